"""Each kind of unusual input through the whole pipeline: quarantine, results and messages."""

import io
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from audio_assets import evaluate, load_embeddings, load_learning_curves
from audio_assets.automation.local_runner import RunSummary
from audio_assets.cli.run import choose_species, print_losses
from audio_assets.evaluation.splits.manifest import plan_from_manifest
from audio_assets.results.parquet import read_table
from audio_assets.tables import (
    AUDIO_INVENTORY,
    BALANCED_MANIFEST,
    FOLD_PREDICTIONS,
    QUARANTINE_REASONS,
)
from audio_assets.tables.losses import loss_by_reason, loss_in_words
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species

# Named pipes, and names that are no text.
pytestmark = pytest.mark.posix

GOOD = 40
NFC = unicodedata.normalize("NFC", "Käuzchen")
NFD = unicodedata.normalize("NFD", "Käuzchen")


def encoded(samples: np.ndarray, rate: int = 16_000, kind: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=None if kind != "WAV" else "FLOAT")
    return buffer.getvalue()


def sound(seed: int, rate: int = 16_000, channels: int = 1, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=(round(rate * seconds), channels))


def spoilt(value: float) -> np.ndarray:
    samples = sound(30)
    samples[8_000] = value
    return samples


# File name -> its bytes.
USED = {
    **{f"channels {n}.wav": encoded(sound(n, channels=n)) for n in range(1, 9)},
    **{
        f"rate {rate}.wav": encoded(sound(rate, rate), rate)
        for rate in (8_000, 11_025, 22_050, 44_100, 96_000, 384_000)
    },
    **{
        f"format.{kind.lower()}": encoded(sound(100 + i), kind=kind)
        for i, kind in enumerate(("WAV", "FLAC", "OGG", "MP3"))
    },
    "  two  spaces .wav": encoded(sound(110)),
    "сова 梟 🦉.wav": encoded(sound(111)),
    f"{NFC}.wav": encoded(sound(112)),
    f"{NFD}.wav": encoded(sound(113)),
    "n" * 251 + ".wav": encoded(sound(114)),
    "a::b [1]*?#%20, \"c\" 'd' <b>&.wav": encoded(sound(115)),
    "two\nlines.wav": encoded(sound(116)),
    "UPPER.WAV": encoded(sound(117)),
    "no ending": encoded(sound(118)),
    "same stem.wav": encoded(sound(119)),
    "same stem.flac": encoded(sound(120), kind="FLAC"),
    "just long enough.wav": encoded(sound(121, seconds=0.5)),
}

# File name -> its bytes, the reason, and words of the detail.
REFUSED = {
    "too short.wav": (encoded(sound(130, seconds=0.499)), "too_short", "0.499 s, shorter than 0.5"),
    "too long.wav": (encoded(sound(131, seconds=5.5)), "too_long", "5.5 s, longer than 5 s"),
    "too large.wav": (
        encoded(sound(143, channels=16, seconds=4.0)),
        "too_large",
        "1.0 million samples in all channels, more than 1 million",
    ),
    "zero bytes.wav": (b"", "empty_file", "0 bytes"),
    "zero bytes again.wav": (b"", "empty_file", "0 bytes"),
    "header only.wav": (encoded(sound(132)[:0]), "no_samples", "header and no samples"),
    "cut.wav": (encoded(sound(133))[:-5000], "undecodable", "cut off"),
    "cut.flac": (encoded(sound(134), kind="FLAC")[:-500], "undecodable", "cut off"),
    "cut.ogg": (encoded(sound(135), kind="OGG")[:-500], "undecodable", "cut off"),
    "cut.mp3": (encoded(sound(136), kind="MP3")[:-500], "undecodable", "cut off"),
    "text.wav": (b"this is no audio at all", "not_audio", "23 bytes"),
    "nan.wav": (encoded(spoilt(np.nan)), "non_finite", "0.500 s into the clip"),
    "inf.wav": (encoded(spoilt(-np.inf)), "non_finite", "0.500 s into the clip"),
    "silence.wav": (encoded(np.zeros(16_000)), "silent", "all 16000 samples are 0"),
}
# Made on disk; name -> words of the detail.
UNREADABLE = {
    "dangling.wav": "a link to nowhere.wav, which does not exist",
    "pipe.wav": "a pipe, socket or device and no file",
    "latin-1 \\xe4.wav": "its name is not valid UTF-8; rename it",
}
ALL_REFUSED = {
    **{name: (reason, words) for name, (_, reason, words) in REFUSED.items()},
    **{name: ("unreadable", words) for name, words in UNREADABLE.items()},
    "folder.wav": ("folder", "move its clips up"),
    "night 1": ("folder", "move its clips up"),
    "elsewhere.wav": ("link_out_of_root", "put what it leads to under the root"),
    "contradiction.wav": ("both_labels", "the same bytes are neg/owl-neg-t-twin_1sec_1"),
    "owl-neg-t-twin_1sec_1.wav": ("both_labels", "the same bytes are pos/contradiction"),
}


def put(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def write_unusual(audio: Path) -> None:
    """An owl of 40 good clips among everything unusual, and a fox that shares some bytes."""
    write_species(audio, "owl")
    pos, neg = audio / "owl/data/pos", audio / "owl/data/neg"
    for name, data in USED.items():
        put(pos, name, data)
    for name, (data, _, _) in REFUSED.items():
        put(pos, name, data)
    # Without bytes under the other label too: equal, and yet no contradiction.
    put(neg, "zero bytes neg.wav", b"")
    (pos / "dangling.wav").symlink_to("nowhere.wav")
    put(audio.parent / "beside the root", "elsewhere.wav", encoded(sound(144)))
    (pos / "elsewhere.wav").symlink_to(audio.parent / "beside the root/elsewhere.wav")
    (pos / "folder.wav").mkdir()
    put(pos / "night 1", "sorted away.wav", encoded(sound(142)))
    os.mkfifo(pos / "pipe.wav")
    Path(os.fsdecode(os.fsencode(pos) + b"/latin-1 \xe4.wav")).write_bytes(encoded(sound(140)))
    put(pos, "contradiction.wav", encoded(sound(141)))
    put(neg, "owl-neg-t-twin_1sec_1.wav", encoded(sound(141)))
    # A copy in another recording: used once, and the two recordings become one.
    copied = pos / "owl-pos-t-000_pos_1sec_1_a.wav"
    shutil.copy(copied, pos / "owl-pos-t-001_pos_1sec_9.wav")
    write_species(audio, "fox", recordings=4)
    shutil.copy(copied, audio / "fox/data/neg/copy of an owl.wav")


@dataclass(frozen=True)
class Finished:
    """A finished run over everything unusual."""

    place: Place
    summary: RunSummary
    inventory: pd.DataFrame
    embeddings: pd.DataFrame
    predictions: pd.DataFrame
    quarantine: pd.DataFrame
    report: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    with new_place(tmp_path_factory.mktemp("unusual")) as place:
        write_unusual(place.audio)
        summary = place.run("fox", "owl", max_seconds=5, max_samples=1_000_000)
        results = place.results
        yield Finished(
            place,
            summary,
            read_table(results.table("audio_inventory", "owl"), AUDIO_INVENTORY),
            load_embeddings(results.root, "placeholder", "owl").set_index("clip_id"),
            read_table(results.table("fold_predictions", "placeholder", "owl"), FOLD_PREDICTIONS),
            pd.read_csv(results.quarantine.path, keep_default_na=False),
            results.report.read_text(encoding="utf-8"),
        )


def id_of(table: pd.DataFrame, name: str) -> str:
    """clip_id of the owl's clip of that file name."""
    ids = table.loc[[uri.endswith(f"/{name}") for uri in table["uri"]], "clip_id"]
    assert len(ids) == 1, (name, list(ids))
    return str(ids.iloc[0])


@pytest.mark.slow
def test_no_unusual_clip_fails_a_partition(finished):
    assert finished.summary.failures == {}


@pytest.mark.parametrize("name", USED)
def test_a_clip_of_any_channels_rate_format_or_name_is_used(finished, name):
    clip_id = id_of(finished.inventory, name)
    row = finished.embeddings.loc[clip_id]
    assert (row["status"], row["windows"]) == ("ok", 1), row["detail"]
    assert np.isfinite(row["embedding"]).all()
    predicted = finished.predictions[finished.predictions["clip_id"] == clip_id]
    assert len(predicted) and predicted["score"].notna().all()
    assert clip_id not in set(finished.quarantine["clip_id"])


@pytest.mark.parametrize("name", ALL_REFUSED)
def test_a_clip_that_cannot_be_used_is_quarantined_with_its_reason(finished, name):
    reason, words = ALL_REFUSED[name]
    rows = finished.quarantine[finished.quarantine["uri"].str.endswith(f"/{name}")]
    assert rows["reason"].tolist() == [reason]
    assert words in rows["detail"].iloc[0]
    clip_id = rows["clip_id"].iloc[0]
    assert finished.embeddings.loc[clip_id, "embedding"] is None
    assert clip_id not in set(finished.predictions["clip_id"])
    shown = finished.report.split('id="quarantine"')[1]
    assert clip_id in shown and QUARANTINE_REASONS[reason] in shown


def test_nothing_else_is_quarantined_and_no_clip_is_lost(finished):
    quarantined = finished.quarantine
    assert set(quarantined["species"]) == {"owl"}
    assert len(quarantined) == len(ALL_REFUSED) + 1  # the negative without bytes
    assert len(finished.inventory) == GOOD + len(USED) + len(quarantined) + 1  # the duplicate
    used = finished.embeddings.index[finished.embeddings["status"] == "ok"]
    assert len(used) == GOOD + len(USED)
    assert set(finished.predictions["clip_id"]) == set(used)


def test_the_published_numbers_are_those_of_the_usable_clips_alone(finished):
    results = finished.place.results
    clips = finished.embeddings.reset_index()
    clips = clips[clips["status"] == "ok"]
    manifest = read_table(results.table("balanced_manifest", "owl"), BALANCED_MANIFEST)
    expected = evaluate(
        np.stack(clips["embedding"]),
        clips["label"] == "pos",
        clips["recording_id"],
        sizes=(0, 4, 8),
        splits=plan_from_manifest(manifest, clips["clip_id"], "data"),
        class_scores=clips["class_score"],
    ).sort_values(["training_size", "metric"], ignore_index=True)
    published = load_learning_curves(results.root)
    published = published[published["species"] == "owl"].reset_index(drop=True)
    assert published["mean"].notna().any()
    pd.testing.assert_frame_equal(
        published[expected.columns.tolist()], expected, check_dtype=False, rtol=1e-9
    )


def test_equal_bytes_of_one_label_are_used_once_and_join_their_recordings(finished):
    rows = finished.embeddings
    copy = rows.loc["pos/owl-pos-t-001_pos_1sec_9"]
    assert (copy["status"], copy["detail"]) == (
        "duplicate",
        "same bytes as pos/owl-pos-t-000_pos_1sec_1_a",
    )
    assert copy.name not in set(finished.quarantine["clip_id"])
    folds = finished.predictions.groupby(["recording_id", "repeat"])["fold"].nunique()
    assert (folds == 1).all()
    for number in ("000", "001"):
        clips = [f"pos/owl-pos-t-{number}_pos_1sec_1_{letter}" for letter in "ab"]
        assert set(rows.loc[clips, "recording_id"]) == {"t-000_pos"}


def test_files_without_bytes_join_no_recordings(finished):
    empty = finished.inventory[finished.inventory["size"] == 0]
    empty = empty[empty["clip_id"].str.contains("zero bytes")]
    assert len(empty) == 3
    assert empty["recording_id"].nunique() == 3
    assert set(empty["status"]) == {"ok"}


def test_equal_bytes_in_two_species_are_used_in_both(finished):
    fox = load_embeddings(finished.place.results.root, "placeholder", "fox").set_index("clip_id")
    there = fox.loc["neg/copy of an owl"]
    here = finished.embeddings.loc["pos/owl-pos-t-000_pos_1sec_1_a"]
    assert (there["status"], here["status"]) == ("ok", "ok")
    assert there["sha256"] == here["sha256"]
    np.testing.assert_array_equal(there["embedding"], here["embedding"])


def test_how_many_clips_were_not_used_and_why_is_told_in_report_and_console(finished):
    bad, clips = len(finished.quarantine), len(finished.inventory)
    cells = f'<td class="number">{bad}</td><td class="number">{clips}</td>'
    assert f'{cells}<td class="number">{100 * bad / clips:.1f} %</td>' in finished.report
    counts = loss_by_reason(finished.quarantine["reason"])
    told = loss_in_words(bad, clips, counts)
    assert told.startswith(f"{bad} of {clips} clips were not used: ")
    fox, owl = sorted(said(finished.place).splitlines())
    assert owl == f"owl: {told} (quarantine.csv lists them)"
    assert fox == "fox: every clip was used"
    # At the top of the section, before the chart.
    section = finished.report.split('<h2 id="species-owl">')[1]
    assert section.split("<div")[0].count(told) == 1


def said(place: Place) -> str:
    console = Console(file=io.StringIO(), width=40)
    print_losses(place.plan().settings, ("fox", "owl"), console)
    return console.file.getvalue()


@pytest.mark.slow
def test_a_clip_that_cannot_be_used_leaves_the_numbers_as_they_are(tmp_path):
    curves = []
    for number, name in enumerate((None, "owl-pos-t-000_pos_1sec_9.wav")):
        with new_place(tmp_path / str(number)) as place:
            # Of the one recording that has it, so that the draw of the folds is the same.
            write_species(place.audio, "owl", recordings=6)
            if name:
                put(place.audio / "owl/data/pos", name, encoded(sound(7)))
                put(place.audio / "owl/data/neg", "twin.wav", encoded(sound(7)))
            assert place.run("owl").failures == {}
            curves.append(place.results.learning_curves.read_bytes())
            assert len(pd.read_csv(place.results.quarantine.path)) == (2 if name else 0)
    assert curves[0] == curves[1]


@pytest.mark.slow
def test_a_species_without_both_classes_is_said_to_have_no_result_and_others_go_on(tmp_path):
    without = ("no_folder", "empty", "no_clips", "only_pos", "only_neg", "unusable")
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        (place.audio / "empty").mkdir()
        (place.audio / "no_clips/data/pos").mkdir(parents=True)
        write_species(place.audio, "only_pos", recordings=4, labels=("pos",))
        write_species(place.audio, "only_neg", recordings=4, labels=("neg",))
        write_species(place.audio, "unusable", recordings=4)
        for path in (place.audio / "unusable/data/pos").iterdir():
            path.write_bytes(b"no audio: " + path.name.encode())
        assert place.run(*without, "owl").failures == {}
        curves = load_learning_curves(place.results.root).set_index("species")
        for species in without:
            assert curves.loc[[species], "mean"].isna().all() and len(curves.loc[[species]]) == 1
            assert curves.loc[species, "ci_status"].startswith("no evaluation: ")
        assert curves.loc["owl", "mean"].notna().any()
        assert "no evaluation" in place.results.report.read_text()
        *ghosts, owl = place.status(*without, "owl")
        for ghost in ghosts:
            assert ghost.note.startswith("no evaluation: ") and ghost.auc is None
        assert owl.state == "fresh" and owl.auc is not None


def test_a_species_folder_that_breaks_the_key_rule_is_reported_and_not_added(tmp_path):
    with new_place(tmp_path) as place:
        for name in ("owl", "Great Owl", "a|b", "[red]owl"):
            (place.audio / name).mkdir()
        console = Console(file=io.StringIO(), width=40)
        assert choose_species(place.plan().settings, (), console) == ["owl"]
        lines = console.file.getvalue().splitlines()
        assert [line.split(";")[0] for line in lines] == [
            f"Left out: the folder {name!r}" for name in ("Great Owl", "[red]owl", "a|b")
        ]
        assert all("rename the folder so that it matches ^[a-z0-9_-]+$" in line for line in lines)


@pytest.mark.slow
def test_a_link_to_a_species_folder_under_the_root_is_a_species(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio / ".kept", "owl", recordings=4)
        (place.audio / "owl").symlink_to(".kept/owl")
        assert choose_species(place.plan().settings, (), Console(quiet=True)) == ["owl"]
        assert place.run("owl").failures == {}
        assert len(load_embeddings(place.results.root, "placeholder", "owl")) == 16


@pytest.mark.slow
def test_the_check_warns_above_5_and_fails_above_50_percent_and_blocks_nothing(tmp_path):
    unusable = {"fox": 1, "hare": 2, "owl": 11}
    with new_place(tmp_path) as place:
        for species, bad in unusable.items():
            write_species(place.audio, species, recordings=10, clips=1)
            clips = sorted((place.audio / species / "data/pos").iterdir())
            clips += sorted((place.audio / species / "data/neg").iterdir())[:1]
            for path in clips[:bad]:
                path.write_bytes(b"no audio: " + path.name.encode())
        assert place.run(*unusable, training_sizes=(4,)).failures == {}
        checks = {species: check_result(place, species) for species in unusable}
        assert [check.passed for check in checks.values()] == [True, False, False]
        assert [checks[name].severity.name for name in ("hare", "owl")] == ["WARN", "ERROR"]
        for species, bad in unusable.items():
            told = loss_in_words(bad, 20, {"not_audio": bad})
            assert checks[species].description == told
        assert place.results.report.exists()


@pytest.mark.slow
def test_new_limits_are_checked_by_the_next_run(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        put(place.audio / "owl/data/pos", "bad.wav", b"no audio")
        place.run("owl")
        assert not check_result(place).passed
        again = place.run("owl", quarantine_warn_share=0.2)
        assert check_result(place).passed
        assert again.materialized == [("quarantine", "owl")]


def check_result(place: Place, species: str = "owl") -> dg.AssetCheckEvaluation:
    """What the check last said of a species."""
    key = dg.AssetCheckKey(dg.AssetKey("quarantine"), "few_clips_in_quarantine")
    for record in place.instance.event_log_storage.get_asset_check_execution_history(key, limit=9):
        event = record.event
        assert event is not None and event.dagster_event is not None
        said = event.dagster_event.asset_check_evaluation_data
        if said.partition == species:
            return said
    raise AssertionError(f"no check of {species}")


def undated(page: bytes) -> bytes:
    """The page without the time at which it was made."""
    return re.sub(rb"Made on .* UTC", b"", page)


@pytest.mark.slow
def test_a_removed_clip_leaves_the_results_and_is_named_until_the_next_change(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=6)
        write_species(place.audio, "fox", recordings=4)
        results = place.results
        place.run("fox", "owl")
        assert "Clips removed" not in results.report.read_text()
        gone = place.audio / "owl/data/pos/owl-pos-t-003_pos_1sec_1_b.wav"
        kept = gone.read_bytes()
        gone.unlink()
        place.run("fox", "owl")
        page = undated(results.report.read_bytes())
        listed = page.decode().split("Clips removed", 1)[1].split("</details>")[0]
        assert listed.count('<th scope="row">') == 1
        assert "pos/owl-pos-t-003_pos_1sec_1_b" in listed
        predictions = read_table(
            results.table("fold_predictions", "placeholder", "owl"), FOLD_PREDICTIONS
        )
        assert predictions["clip_id"].nunique() == 23
        assert f"pos/{gone.stem}" not in set(predictions["clip_id"])
        assert f"pos/{gone.stem}" not in page.decode().replace(listed, "")

        # Nothing changed; made again; a change of another species: the same list.
        assert place.run("fox", "owl").materialized == []
        results.report.unlink()
        assert place.run("fox", "owl").materialized == [("experiment_report", None)]
        assert undated(results.report.read_bytes()) == page
        write_clip(place.audio / "fox/data/pos/new.wav", clip(99, tone=True))
        place.run("fox", "owl")
        assert f"pos/{gone.stem}" in results.report.read_text()

        gone.write_bytes(kept)
        place.run("fox", "owl")
        assert "Clips removed" not in results.report.read_text()
