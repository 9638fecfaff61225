"""A real daemon over a folder: clips are dropped in, and everything else happens by itself."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from audio_assets import load_learning_curves
from audio_assets_tests.automation.daemons import CLONE, Daemon, closing
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = [pytest.mark.slow, pytest.mark.posix]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with the clone's own workspace file, where fox is done."""
    write_species(tmp_path / "audio", "fox", recordings=4)
    roots = {"audio_root": str(tmp_path / "audio"), "results_root": str(tmp_path / "results")}
    with closing(Daemon(tmp_path, roots, workspace=CLONE / "workspace.yaml")) as daemon:
        daemon.make_all("fox")
        daemon.start()
        yield daemon


def made_once(daemon: Daemon, before: int) -> set[tuple[str, str]]:
    """What was made since there were ``before`` runs, all of which have to have succeeded."""
    assert {run.status for run in daemon.runs_since(before)} == {dg.DagsterRunStatus.SUCCESS}
    made = daemon.made_since(before)
    assert set(made.values()) == {1}
    return set(made)


def test_clips_that_are_dropped_in_become_a_chart_and_a_replaced_one_reruns_its_species(
    daemon: Daemon, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    before = daemon.instance.get_runs_count()
    write_species(tmp_path / "audio", "owl", recordings=4)
    daemon.wait_for("owl being done", lambda: daemon.is_at_rest(before))
    assert (results / "learning_curves" / "owl.svg").exists()
    assert set(load_learning_curves(results)["species"]) == {"fox", "owl"}
    added = made_once(daemon, before)
    assert {partition for _, partition in added} == {"owl", "placeholder|owl", ""}

    assert daemon.not_fresh() == []
    before = daemon.instance.get_runs_count()
    folder = tmp_path / "audio" / "owl" / "data" / "pos"
    write_clip(sorted(folder.glob("*.wav"))[0], clip(1, tone=True))
    daemon.wait_for("owl being done again", lambda: daemon.is_at_rest(before))
    replaced = made_once(daemon, before)
    assert {partition for _, partition in replaced} == {"owl", "placeholder|owl", ""}
    assert ("embeddings", "placeholder|owl") in replaced
    assert daemon.not_fresh() == []
