"""The reason why a clip cannot be used: a value that travels with the clip, never an exception.

The vocabulary of reasons is part of a published table and belongs in :mod:`audio_assets.tables`.
"""

from dataclasses import dataclass

from audio_assets.tables import QUARANTINE_REASONS


@dataclass(frozen=True)
class ClipFault:
    """The reason why one clip is not used.

    Attributes
    ----------
    reason
        Key of :data:`audio_assets.tables.QUARANTINE_REASONS`.
    detail
        The reason in plain words, with figures.

    Raises
    ------
    ValueError
        If ``reason`` is not in the vocabulary, or ``detail`` is empty.
    """

    reason: str
    detail: str

    def __post_init__(self) -> None:
        if self.reason not in QUARANTINE_REASONS:
            raise ValueError(f"{self.reason!r} is none of {sorted(QUARANTINE_REASONS)}")
        if not self.detail:
            raise ValueError("a fault needs a detail in plain words")
