"""The classification task: its classes and their names.

The names are those of the folders that hold the clips and of the published column ``label``; they
are spelled out nowhere else. Tables belong in the other modules of this folder. A task with more
than two classes should become a class of its own beside :class:`BinaryTask`.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BinaryTask:
    """A task with two classes.

    Attributes
    ----------
    name
        Name of the task.
    negative, positive
        Names of the classes; 0 and 1 in arrays of labels.
    """

    name: str
    negative: str
    positive: str

    def __post_init__(self) -> None:
        if not self.name or not self.negative or not self.positive:
            raise ValueError(f"a task and its classes must have names, got {self}")
        if self.negative == self.positive:
            raise ValueError(f"the classes of the task {self.name!r} are both {self.positive!r}")

    @property
    def classes(self) -> tuple[str, str]:
        """Names of the classes, each at the index of its number."""
        return self.negative, self.positive

    def is_positive(self, labels: Any) -> Any:
        """Return whether a label is the positive one; element by element of an array or column."""
        return labels == self.positive

    def other(self, label: str) -> str:
        """The other class than that of a label."""
        return self.classes[1 - self._number(label)]

    def word(self, label: str) -> str:
        """The class in words: ``negative`` or ``positive``."""
        return ("negative", "positive")[self._number(label)]

    def _number(self, label: str) -> int:
        if label not in self.classes:
            known = " and ".join(self.classes)
            raise ValueError(f"the task {self.name!r} has the classes {known}, not {label!r}")
        return self.classes.index(label)


def presence_task() -> BinaryTask:
    """The task of deciding whether the species is heard in a clip.

    >>> presence_task().classes
    ('neg', 'pos')
    """
    return BinaryTask("presence", negative="neg", positive="pos")


PRESENCE = presence_task()
"""The one task that is evaluated."""
