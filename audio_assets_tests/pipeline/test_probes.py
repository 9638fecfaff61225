"""What the stages find that look outside Dagster."""

import time
from pathlib import Path
from typing import Any

import pytest

from audio_assets.catalog import listing
from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.probes import READ_ALL_TAG, take_inventory
from audio_assets.pipeline.stages import INVENTORY
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species


@pytest.mark.slow
def test_a_listing_reads_only_what_the_last_inventory_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_time, real_read = time.time_ns, listing._computed
    read: list[str] = []
    monkeypatch.setattr(listing.time, "time_ns", lambda: real_time() + 60 * 10**9)

    def counted(folder: Any, prefix: str, name: str, *entry: Any) -> str:
        read.append(name)
        return real_read(folder, prefix, name, *entry)

    monkeypatch.setattr(listing, "_computed", counted)
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        job = build_defs(place.plan().settings).resolve_job_def(INVENTORY)
        place.instance.add_dynamic_partitions(SPECIES.name or "", ["owl"])
        job.execute_in_process(instance=place.instance, partition_key="owl")
        assert len(read) == 16
        write_clip(place.audio / "owl/data/pos/new.wav", clip(1, tone=True))
        inventory, _ = take_inventory(
            place.plan().roots, place.plan().settings.recording_patterns, "owl"
        )
        assert len(inventory) == 17 and read[16:] == ["new.wav"]
        tags = {READ_ALL_TAG: "true"}
        job.execute_in_process(instance=place.instance, partition_key="owl", tags=tags)
        assert len(read) == 17 + 17
