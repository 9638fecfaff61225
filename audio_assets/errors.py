"""The errors a user can meet, each saying what is wrong and what to do about it.

Here belong the exception and warning types that cross module borders. A wrong argument to a Python
call stays a plain ``ValueError``; a clip that cannot be used is no exception but a row with a
reason (:mod:`audio_assets.audio.faults`).
"""

from collections.abc import Iterable
from difflib import get_close_matches

_SUGGESTED = 3


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are nearest to a wrong one, in any case."""
    folded = {one.casefold(): one for one in known}
    return [folded[one] for one in get_close_matches(name.casefold(), folded, _SUGGESTED)]


def perhaps(name: str, known: Iterable[str]) -> str:
    """Return "Perhaps you mean ...? " with the known names nearest to a wrong one, or nothing."""
    near = nearest(name, known)
    return f"Perhaps you mean {' or '.join(near)}? " if near else ""


class AudioAssetsError(Exception):
    """A fault with its remedy.

    Parameters
    ----------
    what
        What is wrong, naming the file, setting or partition.
    remedy
        What the user can do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


class SettingsError(AudioAssetsError):
    """A setting is unknown, malformed or out of range."""


class AudioRootError(AudioAssetsError):
    """The audio root cannot be listed."""


class ResultsError(AudioAssetsError):
    """The results root cannot be read or written, or a published file is not what it should be."""


class StorageError(AudioAssetsError):
    """A bucket refuses: it does not exist, or permission or credentials are missing."""


class TransientStorageError(StorageError):
    """A bucket failed, or an object was changed meanwhile; the same again may well succeed."""


class TableError(AudioAssetsError):
    """A table breaks its definition in :mod:`audio_assets.tables`."""


class EmbeddingError(AudioAssetsError):
    """Clips could not be embedded, through no fault that can be seen in them."""


class WeightsError(AudioAssetsError):
    """A model's weights are missing or are not the ones expected."""


class MissingWeightsError(WeightsError):
    """A model's weights are in none of the places where they are looked for."""


class EncoderError(AudioAssetsError):
    """The code of an encoder is at fault: it cannot be imported or made, or breaks its promises."""


class UnknownModelError(AudioAssetsError):
    """A model name is not in the registry."""


class UnknownSpeciesError(AudioAssetsError):
    """A species that was asked for has no folder, or no clips that the model reads."""


class UnknownPartitionError(AudioAssetsError):
    """A job or partition that was asked for does not exist."""


class SplitLeakError(AudioAssetsError):
    """A recording would be in the training and the test part of one fold."""


class DuplicateEmbeddingsWarning(UserWarning):
    """Clips of different recordings or labels, or all clips, have equal embeddings."""


class UnknownRecordingsWarning(UserWarning):
    """Each clip counts as a recording of its own, because no recordings were given.

    If clips come from one recording, they leak between the training and the test part of a fold:
    the mean is too good and its interval too narrow.
    """
