"""The clips of a species as a split plan draws from them: numbered recordings and strata.

A stratum is a combination of a variant and a label. Drawing from strata belongs in
:mod:`audio_assets.evaluation.splits.plan` and :mod:`audio_assets.evaluation.splits.holdout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.splits.arguments import label_array, name_array, variant_array
from audio_assets.evaluation.splits.recordings import (
    RecordingCounts,
    count_recordings,
    keys_by_place,
    recording_codes,
)
from audio_assets.tables import VARIANTS


@dataclass(frozen=True, eq=False)
class Strata:
    """n clips by recording, variant and label.

    Attributes
    ----------
    labels, recordings, keys, variants
        {0, 1}[n], str[n], str[n] and str[n].
    codes
        int[n], number of each clip's recording in an order that depends on content alone.
    clips
        int[recordings, 2 * variants], clips of each recording in each stratum.
    counts
        Distinct recordings of each variant.
    """

    labels: NDArray[np.int64]
    recordings: NDArray[np.str_]
    keys: NDArray[np.str_]
    variants: NDArray[np.str_]
    codes: NDArray[np.int64]
    clips: NDArray[np.int64]
    counts: Mapping[str, RecordingCounts]

    def deciding(self, least: int) -> str | None:
        """The first variant with ``least`` recordings of each class, or None."""
        return next((v for v in VARIANTS if self.counts[v].smaller_class >= least), None)

    def fullest(self) -> RecordingCounts | None:
        """Counts of the variant with the most recordings, or None without clips."""
        return max(self.counts.values(), key=lambda c: c.total) if len(self.labels) else None

    def with_copies(self, copies: ArrayLike) -> "Strata":
        """The same clips, with one recording number per copy of a recording; copies int[n]."""
        both = np.stack([self.codes, np.asarray(copies, dtype=np.int64)])
        return replace(self, codes=np.unique(both, axis=1, return_inverse=True)[1])

    def of(self, least: int) -> list[int]:
        """Strata of the variants with at least ``least`` recordings of each class."""
        return [
            column
            for variant in VARIANTS
            if self.counts[variant].smaller_class >= least
            for column in columns(variant)
        ]


def columns(variant: str) -> list[int]:
    """The strata of a variant, negative clips first: columns of ``Strata.clips``."""
    first = 2 * VARIANTS.index(variant)
    return [first, first + 1]


def make_strata(
    labels: ArrayLike,
    recordings: ArrayLike,
    keys: ArrayLike | None,
    variants: ArrayLike | None,
) -> Strata:
    """Number recordings and count clips.

    ``variants`` are all ``data`` when left out, and ``keys`` those of
    :func:`audio_assets.evaluation.splits.recordings.keys_by_place`.

    Raises
    ------
    ValueError
        Arguments of different lengths or other types.
    """
    labels = label_array(labels)
    recordings = name_array("recordings", recordings, len(labels), "labels")
    names = variant_array(variants, len(labels), "labels")
    if keys is None:
        keys = keys_by_place(labels, recordings, names)
    known = name_array("keys", keys, len(labels), "labels")
    counts = {v: count_recordings(labels[names == v], recordings[names == v]) for v in VARIANTS}
    codes = recording_codes(labels, recordings, known.tolist(), list(names))
    stratum = [
        columns(variant)[label]
        for variant, label in zip(names.tolist(), labels.tolist(), strict=True)
    ]
    clips = np.zeros((codes.max(initial=-1) + 1, 2 * len(VARIANTS)), dtype=np.int64)
    np.add.at(clips, (codes, np.asarray(stratum, dtype=np.int64)), 1)
    return Strata(labels, recordings, known, names, codes, clips, counts)
