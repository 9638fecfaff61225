"""The command as a user calls it, in this process, with the placeholder encoder."""

import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from rich.console import Console
from upath import UPath

from audio_assets import cli
from audio_assets.cli import main
from audio_assets.cli.app import EXIT_CODES, app
from audio_assets.cli.console import ConsoleProgress
from audio_assets.cli.demo import _print_answers
from audio_assets.cli.status import Standing
from audio_assets.reporting import page
from audio_assets.reporting.sentences import clips_needed_table
from audio_assets.runner import RunSummary
from audio_assets.storage.results import ResultsLayout
from audio_assets_tests.reporting.fake_results import curve_frame, curve_row, fake_comparisons
from audio_assets_tests.small_audio import write_species


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Calls ``audio-assets`` in a folder with a dagster.yaml and an audio root of one species."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    write_species(tmp_path / "audio", "owl", recordings=6)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in {
        "AUDIO_ROOT": "audio",
        "RESULTS_ROOT": "results",
        "MODELS": '["placeholder"]',
        "TRAINING_SIZES": "[4]",
        "FOLDS": "3",
        "REPEATS": "1",
        "DUPLICATE_ENCODER": "",
    }.items():
        monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)

    def call(*arguments: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["audio-assets", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        shown = capfd.readouterr()
        code = exit.value.code
        return Called(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


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
    assert done["quarantine"] == [{"species": "owl", "quarantined": 0, "clips": 24}]
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

    monkeypatch.setattr("audio_assets.evaluation.grid.score_folds", _fail)
    monkeypatch.setattr("audio_assets.evaluation.species.score_folds", _fail)
    failed = call("run", "--json")
    assert failed.code == 1
    assert "Failed: owl, placeholder: " in failed.err and "the disk is on fire" in failed.err
    (failure,) = json.loads(failed.out)["failures"]
    assert failure["what"] == "owl, placeholder" and "the disk is on fire" in failure["reason"]
    assert states(call("status", "--json"))[key] == "failed"


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("the disk is on fire")


@pytest.mark.slow
def test_demo_on_given_audio_ends_with_the_answers_and_the_report(call, tmp_path):
    called = call("demo", "--audio", "audio", "--results", "shown")
    assert called.code == 0
    assert "Clips needed" in called.out and "owl" in called.out
    report = tmp_path / "shown/report/index.html"
    assert str(report) in called.out
    assert "\x1b[" not in called.out
    assert report.exists()


@pytest.mark.slow
def test_a_demo_leaves_out_models_without_weights_visibly(call, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["placeholder", "vgg", "perch"]')
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    called = call("demo", "--audio", "audio", "--results", "shown", "--quiet")
    assert called.code == 0
    assert "Left out: vgg: its weights are missing" in called.out
    assert "Left out: perch: its weights are missing" in called.out
    assert "audio-assets weights fetch --model vgg --model perch" in called.out
    report = (tmp_path / "shown/report/index.html").read_text()
    assert "vgg: its weights are missing" in report
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_a_demo_without_a_report_shows_no_answers_of_an_earlier_one(call, monkeypatch):
    demo = ("demo", "--audio", "audio", "--results", "shown", "--quiet")
    assert "Clips needed per class" in call(*demo).out

    def fail(report):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(page, "render_report", fail)
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


def test_settings_show_the_value_and_where_it_comes_from(call):
    rows = {row["setting"]: row for row in json.loads(call("settings", "--json").out)}
    assert rows["AUDIO_ASSETS_FOLDS"] == {
        "setting": "AUDIO_ASSETS_FOLDS",
        "value": 3,
        "source": "environment",
    }
    assert rows["AUDIO_ASSETS_SEED"]["source"] == "default"
    assert "AUDIO_ASSETS_SEED" in call("settings").out


def two_lines(called: Called) -> None:
    lines = called.err.strip().splitlines()
    assert len(lines) == 2, called.err
    assert lines[0].startswith("Error: ")
    assert called.code != 0


def test_a_wrong_setting_is_two_lines_before_anything_starts(call, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_FOLDS", "-1")
    called = call("run")
    two_lines(called)
    assert "AUDIO_ASSETS_FOLDS" in called.err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "--species", "unicorn"), "unicorn"),
        (("run", "--model", "nonsense"), "nonsense"),
        (("run", "--model", "svm"), "AUDIO_ASSETS_MODELS"),
        (("demo", "--audio", "nowhere"), "nowhere"),
    ],
)
def test_an_unknown_name_is_two_lines_that_name_it(call, arguments, named):
    called = call(*arguments)
    two_lines(called)
    assert named in called.err


def test_a_missing_audio_root_setting_says_which_to_set(call, monkeypatch):
    monkeypatch.delenv("AUDIO_ASSETS_AUDIO_ROOT")
    called = call("run")
    two_lines(called)
    assert "AUDIO_ASSETS_AUDIO_ROOT" in called.err


def test_without_a_dagster_home_the_message_says_what_to_do(call, tmp_path):
    (tmp_path / "dagster.yaml").unlink()
    called = call("run")
    two_lines(called)
    assert "DAGSTER_HOME" in called.err


def test_an_audio_root_without_species_is_an_error(call, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", "empty")
    called = call("run")
    two_lines(called)
    assert "nothing under the audio root" in called.err
    (tmp_path / "empty" / "Barn owl").mkdir()
    called = call("run")
    assert called.code == 1 and "no species folder" in called.err


def test_a_species_of_the_settings_without_a_folder_is_named(call, monkeypatch):
    monkeypatch.setattr("audio_assets.cli.status.standings_of", lambda *_: [])
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["owl", "field_cricket"]')
    called = call("status")
    assert called.code == 0
    assert "AUDIO_ASSETS_SPECIES names field_cricket: no such folder under audio" in called.err
    assert "There: owl" in called.err and "field_cricket" not in called.out
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["field_cricket"]')
    called = call("status")
    two_lines(called)
    assert called.code == 1 and "names field_cricket: no such folder" in called.err


def test_the_answers_of_a_demo_give_the_reason_where_there_is_no_auc(monkeypatch):
    def empty(species: str, status: str) -> dict:
        return curve_row(
            species, "svm", None, mean=None, ci_low=None, ci_high=None, ci_status=status
        )

    curves = curve_frame([curve_row("owl", "svm", 4), empty("wren", "no negative clips")])
    answers = clips_needed_table(curves, fake_comparisons().iloc[:0], {})
    monkeypatch.setattr("audio_assets.cli.demo.load_learning_curves", lambda root: None)
    monkeypatch.setattr("audio_assets.published.load_comparisons", lambda root: None)
    monkeypatch.setattr("audio_assets.reporting.sentences.clips_needed_table", lambda *_: answers)
    console = Console(file=io.StringIO(), width=80)
    _print_answers(ResultsLayout(UPath("results")), {}, 0.95, console)
    (told,) = [line for line in console.file.getvalue().splitlines() if "No AUC" in line]
    assert told.startswith("No AUC of wren, svm: ") and "no negative clips" in told


PATTERN = "^(?P<recording>[a-z0-9]+):key:[/_]x"


def test_settings_are_shown_as_they_are(call, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_RECORDING_PATTERNS", json.dumps([PATTERN]))
    called = call("settings")
    assert called.code == 0
    assert PATTERN in called.out
    assert "[exact labels]" in called.out


def test_a_note_of_status_is_shown_as_it_is(call, monkeypatch):
    standing = Standing("owl", "placeholder", "failed", 1, 2, None, None, f"lost {PATTERN}")
    monkeypatch.setattr("audio_assets.cli.status.standings_of", lambda *_: [standing])
    assert f"lost {PATTERN}" in call("status").out


def test_a_run_names_the_report_that_there_is(call, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_RESULTS_ROOT", "res[ults]:key:")
    monkeypatch.setattr("audio_assets.cli.run.materialize", lambda *_, **__: RunSummary([], {}))
    assert "Report: res[ults]:key:/report/index.html" in call("run").out


def test_a_demo_names_the_report_that_there_is(call, monkeypatch, tmp_path):
    summary = RunSummary([("experiment_report", None)], {})
    monkeypatch.setattr("audio_assets.cli.demo.materialize", lambda *_, **__: summary)
    monkeypatch.setattr("audio_assets.cli.demo._print_answers", lambda *_: None)
    called = call("demo", "--audio", "audio", "--results", "res[ults]:key:")
    assert f"Report: {tmp_path}/res[ults]:key:/report/index.html" in called.out


def test_a_bar_names_its_task_as_it_is():
    console = Console(width=120, force_terminal=True, file=io.StringIO(), color_system=None)
    with ConsoleProgress(console).task("Clips of a[b].csv", lambda line: None) as advance:
        advance(1, 1)
    assert "Clips of a[b].csv" in console.file.getvalue()


def test_the_calls_print_through_the_console_that_knows_no_markup():
    for path in Path(cli.__file__).parent.glob("*.py"):
        if path.name != "console.py":
            assert not re.search(r"(?<!\w)Console\(", path.read_text()), path


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


def test_import_names_the_clips_of_rows_that_were_corrected(call, tmp_path):
    clip = min((tmp_path / "audio/owl/data/pos").iterdir()).relative_to(tmp_path / "audio")
    arguments = "import csv table.csv --to new --species owl --recordings audio".split()
    for row in (f"{clip},0,0.75,pos", f"{clip},0,0.7,neg"):
        (tmp_path / "table.csv").write_text(f"file,start,end,label\n{row}\n")
        called = call(*arguments)
        assert called.code == 0
    assert "1 clip written under new, 1 there that this table does not make" in called.out
    (stays,) = (tmp_path / "new/owl/data/pos").iterdir()
    assert f"Not of this table: new/owl/data/pos/{stays.name}" in called.err
    assert "Remove" in called.err


def test_an_error_that_was_not_foreseen_is_two_lines_that_tell_how_to_see_more(call, monkeypatch):
    monkeypatch.setattr("audio_assets.cli.status.print_status", _fail)
    called = call("status")
    two_lines(called)
    assert called.code == 1
    assert "RuntimeError: the disk is on fire" in called.err and "--debug" in called.err


@pytest.mark.parametrize(("arguments", "code"), [(("status",), 1), (("run", "--model", "svm"), 2)])
def test_debug_shows_the_traceback_before_the_two_lines(call, monkeypatch, arguments, code):
    monkeypatch.setattr("audio_assets.cli.status.print_status", _fail)
    called = call("--debug", *arguments)
    assert called.code == code
    assert called.err.startswith("Traceback (most recent call last)")
    assert called.err.splitlines()[-2].startswith("Error: ")


def test_a_wrong_option_is_exit_2_like_a_wrong_setting(call):
    called = call("run", "--nonsense")
    assert called.code == 2
    assert "--nonsense" in called.err


def commands(group: object, name: str) -> dict[str, str]:
    """The help of every command below a group, by its full name."""
    below = getattr(group, "commands", None)
    if below is None:
        return {name: str(getattr(group, "help", ""))}
    found: dict[str, str] = {}
    for part, command in below.items():
        found |= commands(command, f"{name} {part}")
    return found


def test_the_help_of_every_command_has_an_example_of_it(call):
    helps = commands(typer.main.get_command(app), "audio-assets")
    assert {"audio-assets run", "audio-assets weights fetch"} <= set(helps)
    without = [name for name, text in helps.items() if f"Example: {name}" not in text]
    assert not without
    shown = call("--help")
    assert shown.code == 0
    assert EXIT_CODES.split(";")[0] in " ".join(shown.out.split())


def test_the_version_is_that_of_the_package(call):
    assert call("--version").out.startswith("audio-assets 0.")


def test_a_shell_is_told_the_models_that_a_word_may_become(call, monkeypatch):
    assert completed(call, monkeypatch, "run --model bird") == ["birdnet"]


@pytest.mark.parametrize("line", ["run --species o", "embed -m svm -s o"])
def test_a_shell_is_told_the_species_that_a_word_may_become(call, monkeypatch, tmp_path, line):
    (tmp_path / "audio/fox").mkdir()
    (tmp_path / "audio/Not a key").mkdir()
    assert completed(call, monkeypatch, line) == ["owl"]
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["otter"]')
    assert completed(call, monkeypatch, line) == ["otter"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("AUDIO_ROOT", "nowhere"),
        ("AUDIO_ROOT", ""),
        ("FOLDS", "nonsense"),
        ("NO_SETTING", "1"),
    ],
)
def test_a_shell_is_never_told_an_error(call, monkeypatch, name, value):
    monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)
    assert completed(call, monkeypatch, "run --species ") == []


def test_no_bucket_is_asked_while_a_call_is_being_typed(call, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr("audio_assets.storage.bucket.list_folder", asked.append)
    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", "gs://bucket/audio")
    assert completed(call, monkeypatch, "run --species ") == []
    assert asked == []


def completed(call, monkeypatch, line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = f"audio-assets {line}".split(" ")
    monkeypatch.setenv("_AUDIO_ASSETS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    called = call()
    assert called.err == ""
    return called.out.split()


def test_a_bar_says_how_many_units_a_second():
    console = Console(width=120, force_terminal=True, file=io.StringIO(), color_system=None)
    with ConsoleProgress(console).task("owl: training", lambda line: None) as advance:
        for done in (0, 1, 2, 3):
            advance(done, 3)
    shown = console.file.getvalue()
    assert re.search(r"owl: training .* 3/3 \S+/s 0:00:0", shown)
