"""What is left of earlier runs under the results root."""

import logging
from pathlib import Path

import pytest

from audio_assets.tables import CLIP_DIGESTS
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import write_species


@pytest.mark.slow
def test_a_damaged_last_version_is_said_and_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger(__name__)
    with new_place(tmp_path) as place:
        plan = place.plan()
        assert plan.roots.last_version(CLIP_DIGESTS, "owl", log) is None and not caplog.records
        write_species(place.audio, "owl", recordings=4)
        assert place.run("owl").failures == {}
        before = plan.roots.last_version(CLIP_DIGESTS, "owl", log)
        assert len(before) == 16
        path = plan.roots.results.table("clip_digests", "owl")
        path.write_bytes(path.read_bytes()[:100])
        assert plan.roots.last_version(CLIP_DIGESTS, "owl", log) is None
        assert "All clips are read again" in caplog.text and str(path) in caplog.text
        # A changed listing has it made again.
        write_species(place.audio, "owl", recordings=5)
        assert place.run("owl").failures == {}
        assert len(plan.roots.last_version(CLIP_DIGESTS, "owl", log)) == 20
