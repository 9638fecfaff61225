"""The command as a user calls it, in this process, with the placeholder encoder."""

import io
import json

import pandas as pd
import pytest
from rich.console import Console
from upath import UPath

from audio_assets.cli.answers_table import print_answers
from audio_assets.reporting.page import page
from audio_assets.reporting.words.sentences import CLIPS_NEEDED_COLUMNS, clips_needed_table
from audio_assets.results.layout import ResultsLayout
from audio_assets_tests.cli.conftest import Called, fail
from audio_assets_tests.reporting.fake_results import curve_frame, curve_row, fake_comparisons
from audio_assets_tests.small_audio import clip, write_clip, write_species


def states(called: Called) -> dict[tuple[str, str], str]:
    return {(row["species"], row["model"]): row["state"] for row in json.loads(called.out)}


@pytest.mark.slow
def test_run_and_status_tell_fresh_stale_missing_and_failed_apart(call, tmp_path, monkeypatch):
    key = ("owl", "placeholder")
    assert states(call("status", "--json"))[key] == "missing"

    ran = call("run", "--json")
    assert ran.code == 0
    # For scripts: nothing but the summary on stdout.
    done = json.loads(ran.out)
    assert {"asset": "learning_curve", "partition": "placeholder|owl"} in done["materialized"]
    assert {"asset": "experiment_report", "partition": None} in done["materialized"]
    assert done["failures"] == []
    assert done["quarantine"] == [{"species": "owl", "quarantined": 0, "clips": 24, "reasons": {}}]
    assert done["report"] == "results/report/index.html"
    assert "asset partitions were materialized" in ran.err
    assert (tmp_path / "results/report/index.html").exists()
    row = json.loads(call("status", "--json").out)[0]
    assert row["state"] == "fresh"
    assert (row["clips_pos"], row["clips_neg"]) == (12, 12)
    assert row["training_size"] == 8 and 0 <= row["auc"] <= 1
    assert "Everything is fresh" in call("run").out

    curve = tmp_path / "results/learning_curve/placeholder/owl.parquet"
    whole = curve.read_bytes()
    curve.write_bytes(whole[:100])
    row = json.loads(call("status", "--json").out)[0]
    assert row["auc"] is None and "owl.parquet is damaged" in row["note"]
    curve.write_bytes(whole)

    write_species(tmp_path / "audio", "owl", recordings=7)
    assert states(call("status", "--json"))[key] == "stale"

    monkeypatch.setattr("audio_assets.evaluation.scores.grid.score_folds", fail)
    monkeypatch.setattr("audio_assets.evaluation.species.score_folds", fail)
    failed = call("run", "--json")
    assert failed.code == 1
    assert "Failed: owl, placeholder: " in failed.err and "the disk is on fire" in failed.err
    (failure,) = json.loads(failed.out)["failures"]
    assert failure["what"] == "owl, placeholder" and "the disk is on fire" in failure["reason"]
    assert states(call("status", "--json"))[key] == "failed"


@pytest.mark.slow
def test_demo_on_given_audio_ends_with_the_answers_and_the_report(call, tmp_path, monkeypatch):
    called = call("demo", "--audio", "audio", "--results", "shown")
    assert called.code == 0
    assert "Clips needed" in called.out and "owl" in called.out
    report = tmp_path / "shown/report/index.html"
    assert str(report) in called.out
    assert "\x1b[" not in called.out
    assert report.exists()
    monkeypatch.setenv("AUDIO_ASSETS_RESULTS_ROOT", "shown")
    answers = call("answer").out
    assert answers.startswith("owl: ") and answers in called.out


@pytest.mark.slow
def test_a_demo_without_a_report_shows_no_answers_of_an_earlier_one(call, tmp_path, monkeypatch):
    demo = ("demo", "--audio", "audio", "--results", "shown", "--quiet")
    assert "Clips needed per class" in call(*demo).out

    def fail(report):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(page, "render_report", fail)
    # Otherwise the second demo has nothing to do.
    write_clip(tmp_path / "audio/owl/data/pos/more.wav", clip(1, tone=True))
    called = call(*demo)
    assert called.code == 1 and "the disk is on fire" in called.out
    assert "Clips needed per class" not in called.out and "Report:" not in called.out


@pytest.mark.slow
def test_status_shows_a_model_without_weights_and_the_others_as_they_are(
    call, tmp_path, monkeypatch
):
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["placeholder", "vgg"]')
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    assert call("run").code == 1
    rows = {row["model"]: row for row in json.loads(call("status", "--json").out)}
    assert rows["placeholder"]["state"] == "fresh"
    assert rows["vgg"]["state"] == "failed"
    assert "its weights are missing" in rows["vgg"]["note"]


def test_status_says_in_each_row_that_near_duplicates_cannot_be_told(call, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_DUPLICATE_ENCODER", "vgg")
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    called = call("status", "--json")
    assert called.code == 0
    (row,) = json.loads(called.out)
    assert row["state"] == "failed"
    assert row["note"].startswith("near-duplicate clips cannot be found with vgg: ")


@pytest.mark.slow
def test_a_species_with_a_wrong_line_in_clips_csv_stops_no_other(call, tmp_path):
    write_species(tmp_path / "audio", "fox", recordings=4)
    (tmp_path / "audio/clips.csv").write_text("file,group\nfox/data/pos/a.wav,\n")
    assert call("run").code == 1
    rows = {row["species"]: row for row in json.loads(call("status", "--json").out)}
    assert rows["owl"]["state"] == "fresh" and rows["owl"]["auc"] is not None
    assert rows["fox"]["state"] == "failed"
    (tmp_path / "audio/clips.csv").unlink()
    assert call("run").code == 0
    (tmp_path / "audio/clips.csv").write_text("file,group\nfox/data/pos/a.wav,\n")
    rows = {row["species"]: row for row in json.loads(call("status", "--json").out)}
    assert rows["fox"]["state"] == "failed" and "file or group is empty" in rows["fox"]["note"]
    assert rows["owl"]["state"] == "fresh"


def test_settings_show_the_value_and_where_it_comes_from(call):
    rows = {row["setting"]: row for row in json.loads(call("settings", "--json").out)}
    assert rows["AUDIO_ASSETS_FOLDS"] == {
        "setting": "AUDIO_ASSETS_FOLDS",
        "value": 3,
        "source": "environment",
    }
    assert rows["AUDIO_ASSETS_SEED"]["source"] == "default"
    assert "AUDIO_ASSETS_SEED" in call("settings").out


def test_the_answers_of_a_demo_give_the_reason_where_there_is_no_auc(monkeypatch):
    def empty(species: str, status: str) -> dict:
        return curve_row(
            species, "svm", None, mean=None, ci_low=None, ci_high=None, ci_status=status
        )

    curves = curve_frame([curve_row("owl", "svm", 4), empty("wren", "no negative clips")])
    answers = clips_needed_table(curves, fake_comparisons().iloc[:0], {})
    monkeypatch.setattr("audio_assets.cli.answers_table.load_learning_curves", lambda root: None)
    monkeypatch.setattr("audio_assets.published.load_comparisons", lambda root: None)
    monkeypatch.setattr(
        "audio_assets.reporting.words.sentences.clips_needed_table", lambda *_: answers
    )
    console = Console(file=io.StringIO(), width=80)
    print_answers(ResultsLayout(UPath("results")), {}, 0.95, console)
    (told,) = [line for line in console.file.getvalue().splitlines() if "No AUC" in line]
    assert told.startswith("No AUC of wren, svm: ") and "no negative clips" in told


def test_the_answers_of_a_demo_say_once_that_recordings_are_too_few(monkeypatch):
    status = "0.95 cannot be shown with 23 recordings of a class, only with 36 or more"
    row = dict.fromkeys(CLIPS_NEEDED_COLUMNS, "-") | {"species": "owl", "status": status}
    answers = pd.DataFrame([row, row | {"status": f"{status}; warning: few"}])
    monkeypatch.setattr("audio_assets.cli.answers_table.load_learning_curves", lambda root: None)
    monkeypatch.setattr("audio_assets.published.load_comparisons", lambda root: None)
    monkeypatch.setattr(
        "audio_assets.reporting.words.sentences.clips_needed_table", lambda *_: answers
    )
    console = Console(file=io.StringIO(), width=80)
    print_answers(ResultsLayout(UPath("results")), {}, 0.95, console)
    assert console.file.getvalue().count(f"owl: {status}.\n") == 1


def test_import_cuts_clips_and_names_the_rows_it_leaves_out(call, tmp_path):
    clip = min((tmp_path / "audio/owl/data/pos").iterdir()).relative_to(tmp_path / "audio")
    (tmp_path / "table.csv").write_text(
        f"file,start,end,label\n{clip},0,0.75,pos\ngone.wav,0,1,neg\n"
    )
    called = call(
        "import", "csv", "table.csv", "--to", "new", "--species", "owl", "--recordings", "audio"
    )
    assert called.code == 1
    assert "1 clip written under new, 1 left out" in called.out
    assert "Left out: table.csv, line 3: there is no file" in called.err
    assert len(list((tmp_path / "new/owl/data/pos").iterdir())) == 1


def test_import_tells_rows_with_one_reason_on_one_line(call, tmp_path):
    rows = "".join(f"long.wav,{second},{second + 1},pos\n" for second in range(80))
    (tmp_path / "table.csv").write_text(f"file,start,end,label\n{rows}long.wav,0,1,perhaps\n")
    called = call("import", "csv", "table.csv", "--to", "new")
    assert called.code == 1
    assert "0 clips written under new, 81 left out" in called.out
    assert [line for line in called.err.splitlines() if line.startswith("Left out")] == [
        "Left out: table.csv, 80 lines (2, 3, 4, 5, 6, ...): "
        "no species is given, by a column species or by --species",
        "Left out: table.csv, line 82: the label 'perhaps' is neither pos nor neg",
    ]


def test_import_counts_segments_that_no_run_accepts_and_offers_context(call, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_MIN_SECONDS", "0.6")
    clip = min((tmp_path / "audio/owl/data/pos").iterdir()).relative_to(tmp_path / "audio")
    rows = "".join(f"{clip},0.{start},0.{start + 1},pos\n" for start in range(1, 5))
    (tmp_path / "table.csv").write_text(f"file,start,end,label\n{rows}{clip},0,0.7,pos\n")
    arguments = "import csv table.csv --to new --species owl --recordings audio".split()
    called = call(*arguments)
    assert called.code == 1
    assert "1 clip written under new, 4 left out" in called.out
    assert [line for line in called.err.splitlines() if line.startswith("Left out")] == [
        "Left out: table.csv, 4 lines (2, 3, 4, 5): the segment is shorter than 0.6 s, which no "
        "run accepts; add --context 3 to cut 3 s around each"
    ]
    called = call(*arguments, "--context", "0.65")
    assert called.code == 0
    assert "4 clips written under new, 1 already existed" in called.out
    called = call(*arguments, "--context", "0.5")
    assert called.code == 1 and "MIN_SECONDS" in called.err


def test_import_names_the_clips_of_rows_that_were_corrected(call, tmp_path):
    clip = min((tmp_path / "audio/owl/data/pos").iterdir()).relative_to(tmp_path / "audio")
    arguments = "import csv table.csv --to new --species owl --recordings audio".split()
    for row in (f"{clip},0,0.75,pos", f"{clip},0,0.7,neg"):
        (tmp_path / "table.csv").write_text(f"file,start,end,label\n{row}\n")
        called = call(*arguments)
        assert called.code == 0
    assert "1 clip written under new, 1 more not from this table" in called.out
    (stays,) = (tmp_path / "new/owl/data/pos").iterdir()
    assert f"Not from this table: new/owl/data/pos/{stays.name}" in called.err
    assert "remove only those of rows that you have since corrected" in called.err
    assert "Clips from another table are fine and stay" in called.err
