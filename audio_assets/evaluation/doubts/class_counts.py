"""Decide whether a species has enough clips and recordings to be evaluated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.tables import LABELS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ClassCount:
    """Usable clips of one label in one variant, and the recordings they come from."""

    variant: str
    label: str
    clips: int
    recordings: int


def class_counts(inventory: pd.DataFrame, variants: Collection[str]) -> list[ClassCount]:
    """Counts of both labels in each variant that models read, zeros included.

    Parameters
    ----------
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`; only clips with status ``ok`` count.
    variants
        Variants that models read.
    """
    usable = inventory[inventory["status"] == "ok"]
    counts = []
    for variant in sorted(variants):
        for label in LABELS:
            own = usable[(usable["variant"] == variant) & (usable["label"] == label)]
            recordings = int(own["recording_id"].nunique())
            counts.append(ClassCount(variant, label, len(own), recordings))
    return counts


def shortages(counts: Sequence[ClassCount], *, recordings: int, clips: int) -> list[str]:
    """Describe the counts that are below these numbers."""
    short = []
    for count in counts:
        where = f"{count.variant}/{count.label}"
        if count.recordings < recordings:
            short.append(f"{where}: {count.recordings} recordings, fewer than {recordings}")
        if count.clips < clips:
            short.append(f"{where}: {count.clips} clips, fewer than {clips}")
    return short
