"""A species that becomes late again and again, with a real daemon on both kinds of storage."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audio_assets_tests.automation.daemons import SETTINGS, Daemon, closing
from audio_assets_tests.automation.postgres import postgres_storage
from audio_assets_tests.small_audio import write_species

pytestmark = [pytest.mark.slow, pytest.mark.posix]


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The storage of ``dagster.yaml``."""
    if request.param == "sqlite":
        yield {}
        return
    with postgres_storage() as storage:
        yield storage


@pytest.fixture
def daemon(tmp_path: Path, storage: dict[str, Any]) -> Iterator[Daemon]:
    """A daemon that has yet to start, over a folder where owl is done; work is late after 1 s."""
    write_species(tmp_path / "audio", "owl", recordings=4)
    roots = {"audio_root": str(tmp_path / "audio"), "results_root": str(tmp_path / "results")}
    with closing(Daemon(tmp_path, roots, {**SETTINGS, "late_hours": 0.0003}, storage)) as daemon:
        daemon.make_all("owl")
        yield daemon


def test_a_species_that_is_late_again_and_again_is_mended_each_time(daemon: Daemon) -> None:
    def is_late() -> bool:
        assert daemon.failed_ticks() == {}
        return "late: owl" in daemon.problems()

    def was_late(since: float) -> bool:
        # Between two looks of this test the work may be done.
        ticks = [tick for tick in daemon.ticks("stale_partitions") if tick.timestamp > since]
        said = [tick.tick_data.skip_reason or "" for tick in ticks]
        return is_late() or any("late: owl has been behind" in words for words in said)

    daemon.start()
    daemon.wait_for("a first tick", lambda: daemon.ticks("stale_partitions"))
    for target in (0.7, 0.75, 0.8):
        before = daemon.instance.get_runs_count()
        start = time.time()
        daemon.reload(target_auc=target)
        daemon.wait_for("owl being late", lambda since=start: was_late(since))
        if target == 0.75:
            daemon.stop()
            daemon.start()
        daemon.wait_for("the work being done", lambda at=before: daemon.is_at_rest(at))
        assert not is_late()
        assert daemon.not_fresh() == []
        assert set(daemon.made_since(before).values()) == {1}
