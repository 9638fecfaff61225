"""The first stage: the audio of a species under the audio root."""

import dagster as dg

from audio_assets.pipeline.probes import LISTING, READ_ALL_TAG, take_inventory
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import READERS_POOL, Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import AUDIO_INVENTORY


def build_audio_inventory(
    assets: StageAssets, settings: Settings, roots: Roots
) -> dg.AssetsDefinition:
    @assets.table(AUDIO_INVENTORY, group="audio", pool=READERS_POOL)
    def audio_inventory(context: dg.AssetExecutionContext) -> Made:
        """The clips of a species: a listing with recordings, nothing decoded.

        A species without a folder has an empty inventory. A listing that fails is an error.
        Clips in folders of other names are named in the log and the metadata, with a remedy.
        """
        from audio_assets.catalog.folder_counts import count_files
        from audio_assets.catalog.inventory import inventory_version
        from audio_assets.catalog.layout import species_mistakes

        inventory, digest = take_inventory(
            roots,
            settings.recording_patterns,
            context.partition_key,
            read_all=READ_ALL_TAG in context.run.tags,
        )
        species = context.partition_key
        mistakes = species_mistakes(species, count_files(roots.audio, species))
        for mistake in mistakes:
            context.log.error(f"Wrong layout: {mistake}")
        clips = (inventory["variant"] + "/" + inventory["label"]).value_counts().sort_index()
        return Made(
            inventory,
            {
                LISTING: digest,
                "recordings": int(inventory["recording_id"].nunique()),
                "megabytes": round(float(inventory["size"].sum()) / 1e6, 2),
                "not used": int((inventory["status"] != "ok").sum()),
                **({"wrong layout": "; ".join(map(str, mistakes))} if mistakes else {}),
                **{f"clips {place}": int(n) for place, n in clips.items()},
            },
            version=inventory_version(inventory),
        )

    return audio_inventory
