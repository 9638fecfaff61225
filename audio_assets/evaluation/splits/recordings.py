"""The recording as the unit of every split: keys, counts and the check that none spans two folds.

Assigning recordings to folds belongs in :mod:`audio_assets.evaluation.splits.plan`.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.errors import SplitLeakError

MIN_RECORDINGS = 5
"""Recordings of a class below which there is no interval."""

FEW_RECORDINGS = 10
"""Recordings of a class below which an interval carries a warning."""


class NoEvaluation(ValueError):
    """The clips allow no evaluation; the text says why, for a user to read."""


@dataclass(frozen=True)
class RecordingCounts:
    """Distinct recordings behind a set of clips.

    Attributes
    ----------
    pos, neg
        Recordings with at least one positive, or negative, clip.
    total
        Recordings in all; less than ``pos + neg`` where some hold both labels.
    """

    pos: int
    neg: int
    total: int

    @property
    def smaller_class(self) -> int:
        """Recordings of the class that has fewer."""
        return min(self.pos, self.neg)

    @property
    def independent_pairs(self) -> int:
        """Pairs of one positive and one negative recording that share no recording."""
        return min(self.pos, self.neg, self.total // 2)


def count_recordings(labels: ArrayLike, recordings: ArrayLike) -> RecordingCounts:
    """Count the distinct recordings of each class.

    Parameters
    ----------
    labels
        {0, 1}[n].
    recordings
        str[n], recording of each clip.
    """
    classes, names = np.asarray(labels), np.asarray(recordings)
    return RecordingCounts(
        pos=len(set(names[classes == 1].tolist())),
        neg=len(set(names[classes == 0].tolist())),
        total=len(set(names.tolist())),
    )


def recording_codes(
    labels: NDArray[np.int64],
    recordings: NDArray[np.str_],
    keys: Sequence[str],
    variants: Sequence[str],
) -> NDArray[np.int64]:
    """Number the recordings in an order that depends on their content alone.

    A recording is identified by the hash over the sorted (variant, label, key) of its clips, so
    renaming it or reordering rows changes nothing. Recordings of equal content are
    interchangeable.

    Returns
    -------
    int[n]
        Number of each clip's recording, from 0 without gaps.
    """
    clips: dict[str, list[tuple[str, int, str]]] = {}
    names = [str(name) for name in recordings]
    for name, variant, label, key in zip(names, variants, labels, keys, strict=True):
        clips.setdefault(name, []).append((str(variant), int(label), str(key)))
    digests = {
        name: hashlib.sha256(repr(sorted(content)).encode()).hexdigest()
        for name, content in clips.items()
    }
    order = {name: code for code, name in enumerate(sorted(digests, key=lambda n: digests[n]))}
    return np.array([order[name] for name in names], dtype=np.int64)


def keys_by_place(
    labels: NDArray[np.int64], recordings: NDArray[np.str_], variants: NDArray[np.str_]
) -> list[str]:
    """Keys for clips that are identified by their recording and their position in it.

    The position is counted among the clips of the same recording, label and variant, in row order.
    So the rows of several recordings may be interleaved in any way, but renaming a recording or
    reordering its own clips changes the keys.

    Returns
    -------
    list of str
        One distinct key per clip.
    """
    counted: Counter[tuple[str, str, int]] = Counter()
    keys = []
    clips = zip(recordings.tolist(), variants.tolist(), labels.tolist(), strict=True)
    for clip in clips:
        name, variant, label = clip
        keys.append(f"{name}/{variant}/{label}/{counted[clip]:09d}")
        counted[clip] += 1
    return keys


def check_no_leak(folds: NDArray[np.int64], recordings: NDArray[np.str_]) -> None:
    """Fail if a recording lies in two folds of one repeat.

    Parameters
    ----------
    folds
        int[R, n], fold of each clip in each repeat.
    recordings
        str[n], recording of each clip.

    Raises
    ------
    SplitLeakError
        Names the first such recording.
    """
    names, codes = np.unique(np.asarray(recordings), return_inverse=True)
    first = np.zeros(len(names), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    for repeat, row in enumerate(folds):
        astray = np.flatnonzero(row != row[first[codes]])
        if len(astray):
            clip = astray[0]
            raise SplitLeakError(
                f"recording {str(names[codes[clip]])!r} lies in folds "
                f"{row[first[codes[clip]]]} and {row[clip]} of repeat {repeat}",
                "Draw the folds over recordings, for example with make_split_plan; a plan drawn "
                "with other recordings cannot be used here.",
            )
