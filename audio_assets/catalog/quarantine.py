"""The quarantine list of a species, collected from its embeddings tables, and its share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.tables import QUARANTINE
from audio_assets.tables.losses import loss_by_reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class QuarantineShare:
    """The number of a species' clips that could not be used.

    Attributes
    ----------
    quarantined, clips
        Clips in quarantine, and all clips in the folders that a model reads.
    reasons
        Clips in quarantine by reason, the most frequent first.
    """

    species: str
    quarantined: int
    clips: int
    reasons: Mapping[str, int]

    @property
    def share(self) -> float:
        """Share of quarantined clips, from 0 to 1; 0 without clips."""
        return self.quarantined / self.clips if self.clips else 0.0


def quarantine_share(
    quarantine: pd.DataFrame, inventory: pd.DataFrame, species: str, variants: Collection[str]
) -> QuarantineShare:
    """Compute the share of a species' clips that could not be used.

    Parameters
    ----------
    quarantine
        Rows of :data:`audio_assets.tables.QUARANTINE`; those of other species are left out.
    inventory
        Table ``audio_inventory`` of the species.
    variants
        Variants that a model reads; the clips of other variants are never tried.
    """
    key = ["variant", "clip_id"]
    clips = inventory.loc[inventory["variant"].isin(list(variants)), key]
    # A removed clip may still be in a quarantine table that is about to be updated.
    listed = quarantine.loc[quarantine["species"] == species, [*key, "reason"]]
    both = clips.merge(listed, on=key)
    return QuarantineShare(species, len(both), len(clips), loss_by_reason(both["reason"]))


def quarantined_clips(embeddings: Iterable[pd.DataFrame], species: str) -> pd.DataFrame:
    """Return the quarantined clips, each once.

    Parameters
    ----------
    embeddings
        Tables ``embeddings`` of the species, one per model; models that read the same variant
        agree on its unusable clips.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.QUARANTINE`, by variant and clip_id.
    """
    import pandas as pd

    columns = list(QUARANTINE.column_names)
    rows = [
        table.loc[table["status"] == "quarantined"].assign(species=species)[columns]
        for table in embeddings
    ]
    if not rows:
        return pd.DataFrame(columns=columns)
    clips = pd.concat(rows, ignore_index=True).drop_duplicates(["variant", "clip_id"])
    return clips.sort_values(["variant", "clip_id"], ignore_index=True)
