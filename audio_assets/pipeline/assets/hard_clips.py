"""The clips of a species that its best model gets most wrong, to inspect and listen to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.errors import StorageError, TransientStorageError
from audio_assets.pipeline.current import StalenessOf, best_current_model
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import READERS_POOL, Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import HARD_CLIPS

if TYPE_CHECKING:
    import pandas as pd


def build_hard_clips(
    assets: StageAssets, settings: Settings, roots: Roots, staleness_of: StalenessOf
) -> dg.AssetsDefinition:
    @assets.table(
        HARD_CLIPS,
        group="report",
        pool=READERS_POOL,
    )
    def hard_clips(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        balanced_manifest: pd.DataFrame,
        fold_predictions: Mapping[str, pd.DataFrame],
        learning_curve: Mapping[str, pd.DataFrame],
    ) -> Made:
        """Positive and negative clips that the best model ranks worst, with picture and sound.

        Only results of today's audio and settings are used.
        """
        import pandas as pd

        from audio_assets.evaluation.doubts.hard_clips import hard_clips as find
        from audio_assets.results.parquet import concat_tables

        best = best_current_model(
            settings, staleness_of(context.instance), balanced_manifest, learning_curve
        )
        rows: list[dict[str, Any]] = []
        if best is not None:
            read = previews(settings, roots, audio_inventory, best.origin["variant"])
            found = find(fold_predictions[best.key], best.origin["training_size"])
            rows = [
                best.origin | row | (read(row["clip_id"]) if row["misranked"] > 0 else _UNSEEN)
                for row in _records(found)
            ]
        frame = pd.DataFrame(rows, columns=list(HARD_CLIPS.column_names))
        table = concat_tables([frame], HARD_CLIPS)
        return Made(
            table,
            {
                "without a sound": int((table["fault"].notna()).sum()),
                **(best.metadata if best else {}),
            },
        )

    return hard_clips


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


# A clip that is not wrong is not shown.
_UNSEEN = {"seconds": None, "picture": None, "sound": None, "fault": None}


def previews(
    settings: Settings, roots: Roots, inventory: pd.DataFrame, variant: str
) -> Callable[[str], dict[str, Any]]:
    """Return a function from clip_id to the columns that come from the clip's audio."""
    from audio_assets.audio.decode import DurationLimits, decode_clip
    from audio_assets.audio.faults import ClipFault
    from audio_assets.catalog.reading import ClipReader
    from audio_assets.reporting.charts.clip_preview import SECONDS, clip_preview

    limits = DurationLimits(settings.min_seconds, settings.max_seconds, settings.max_samples)
    of_variant = inventory[inventory["variant"] == variant]
    uris = dict(zip(of_variant["clip_id"], of_variant["uri"], strict=True))
    read = ClipReader(roots.audio, inventory, limits)

    def preview(clip_id: str) -> dict[str, Any]:
        try:
            data = read(uris[clip_id])
        except (ConnectionError, TimeoutError, TransientStorageError):
            # The next attempt, or the next listing, resolves it.
            raise
        except (OSError, StorageError) as error:
            return _UNSEEN | {"fault": f"it could not be read: {error}"}
        clip = data if isinstance(data, ClipFault) else decode_clip(data, limits, seconds=SECONDS)
        if isinstance(clip, ClipFault):
            return _UNSEEN | {"fault": clip.detail}
        made = clip_preview(clip.samples, clip.sample_rate)
        return {
            "seconds": clip.seconds,
            "picture": made.picture,
            "sound": made.sound,
            "fault": None,
        }

    return preview
