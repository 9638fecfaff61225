"""``audio-assets clean``: what it says, what it asks, and when it refuses."""

import json
import shutil

import dagster as dg
import pytest

from audio_assets.cli.instance import local_instance
from audio_assets.objects.roots import open_root
from audio_assets.results.run_lock import run_lock
from audio_assets_tests.small_audio import write_species


@pytest.fixture
def embedded(call, tmp_path):
    """Owl and fox embedded, the clips of fox gone since, and an earlier version of the encoder."""
    write_species(tmp_path / "audio", "fox", recordings=4, seed=1000)
    for species in ("owl", "fox"):
        assert call("embed", "-m", "placeholder", "-s", species).code == 0
    (store,) = [one for one in (tmp_path / "results/embeddings/placeholder").iterdir()]
    shutil.copytree(store, store.parent / ("0" * 64))
    shutil.rmtree(tmp_path / "audio/fox")
    return store


def shards(store) -> set[str]:
    return {path.name for path in store.glob("*.windows")}


@pytest.mark.slow
def test_what_is_not_needed_goes_and_nothing_is_embedded_again(call, embedded):
    before = shards(embedded)
    said = call("clean", "--dry-run")
    assert said.code == 0 and "Nothing was removed" in said.out
    assert "embeddings of clips that are no longer there: 16 clips" in said.out
    assert "embeddings of earlier versions of an encoder: 40 clips" in said.out
    assert shards(embedded) == before

    done = json.loads(call("clean", "--yes", "--json").out)
    assert done["removed"] and sum(one["clips"] for one in done["unneeded"]) == 56
    assert not (embedded.parent / ("0" * 64)).exists()
    assert "0 embedded here, 24 found" in call("embed", "-m", "placeholder", "-s", "owl").out
    assert "There is nothing to remove" in call("clean", "--dry-run").out
    # What comes back is embedded again.
    write_species(embedded.parents[3] / "audio", "fox", recordings=4, seed=1000)
    assert "16 embedded here" in call("embed", "-m", "placeholder", "-s", "fox").out


def test_species_that_are_not_chosen_keep_their_embeddings(call, embedded, tmp_path, monkeypatch):
    write_species(tmp_path / "audio", "fox", recordings=4, seed=1000)
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["owl"]')
    assert "no longer there" not in call("clean", "--dry-run").out


def test_nobody_to_ask_is_an_error_before_anything_is_read(call, embedded):
    said = call("clean", "--json")
    assert said.code == 2 and "--yes" in said.err


def test_no_or_a_wrong_answer_removes_nothing(call, embedded, monkeypatch):
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    before = shards(embedded)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    said = call("clean")
    assert "Remove all this?" in said.out and "Nothing was removed" in said.out
    assert shards(embedded) == before


@pytest.mark.parametrize("lost", ["moved", "empty", "no species"])
def test_an_audio_root_that_is_lost_is_never_taken_for_no_clips(call, embedded, tmp_path, lost):
    before = shards(embedded)
    shutil.move(tmp_path / "audio", tmp_path / "away")
    if lost != "moved":
        (tmp_path / "audio").mkdir()
    if lost == "no species":
        (tmp_path / "audio/readme.txt").write_text("clips were here")
    said = call("clean", "--yes")
    assert said.code == 1 and "audio root" in said.err
    assert shards(embedded) == before


def test_an_encoder_whose_weights_are_missing_keeps_all_it_has(
    call, embedded, tmp_path, monkeypatch
):
    shutil.copytree(embedded, tmp_path / "results/embeddings/vgg16" / ("1" * 64))
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["placeholder", "vgg"]')
    monkeypatch.setenv("AUDIO_ASSETS_WEIGHTS_ROOT", str(tmp_path / "none"))
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    from audio_assets.models.registry import get_model

    encoder = get_model("vgg").encoder
    (tmp_path / "results/embeddings/vgg16").rename(tmp_path / "results/embeddings" / encoder)
    said = call("clean", "--yes")
    assert said.code == 0 and f"Kept: all embeddings of {encoder}" in said.out
    assert shards(tmp_path / "results/embeddings" / encoder / ("1" * 64))


def test_it_refuses_while_a_run_goes_on(call, embedded):
    before = shards(embedded)
    with run_lock(open_root("results"), print):
        assert call("clean", "--yes").code == 1

    @dg.job
    def experiment() -> None: ...

    with local_instance("results") as instance:
        instance.create_run_for_job(experiment, status=dg.DagsterRunStatus.STARTED)
    said = call("clean", "--yes")
    assert said.code == 1 and "has not ended" in said.err
    assert shards(embedded) == before


def test_clips_that_are_away_or_behind_a_link_keep_their_embeddings(call, embedded, tmp_path):
    owl = tmp_path / "audio/owl"
    before = shards(embedded)
    owl.rename(tmp_path / "drive")
    owl.symlink_to(tmp_path / "drive")
    write_species(tmp_path / "audio", "fox", recordings=1)
    said = call("clean", "--yes")
    assert said.code == 1 and "lead out of the audio root" in said.err
    assert shards(embedded) == before


def test_it_asks_again_for_runs_after_the_answer(call, embedded, monkeypatch):
    before = shards(embedded)

    @dg.job
    def experiment() -> None: ...

    def answer(_: str) -> bool:
        with local_instance("results") as instance:
            instance.create_run_for_job(experiment, status=dg.DagsterRunStatus.STARTED)
        return True

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", answer)
    said = call("clean")
    assert said.code == 1 and "has not ended" in said.err
    assert "with the models placeholder" in said.out
    assert shards(embedded) == before
