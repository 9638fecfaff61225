"""The quarantine list of a species, gathered from its embeddings tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audio_assets.tables import QUARANTINE

if TYPE_CHECKING:
    import pandas as pd


def quarantined_clips(embeddings: Iterable[pd.DataFrame], species: str) -> pd.DataFrame:
    """Quarantined clips, each once.

    Parameters
    ----------
    embeddings
        Tables ``embeddings`` of the species, one a model; models that read one variant agree on
        which of its clips are unusable.

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
