"""What a call that cannot be done says: two lines, what is wrong and what to do."""

import pytest

from audio_assets_tests.cli.conftest import Called, fail


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
        (("embed", "--model", "placeholder", "--species", "unicorn"), "unicorn"),
        (("weights", "list", "--model", "nonsense"), "nonsense"),
    ],
)
def test_an_unknown_name_is_two_lines_that_name_it_and_exit_code_2(call, arguments, named):
    called = call(*arguments)
    two_lines(called)
    assert called.code == 2
    assert named in called.err


def test_a_demo_of_a_folder_that_is_not_there_is_two_lines_that_name_it(call):
    called = call("demo", "--audio", "nowhere")
    two_lines(called)
    assert "nowhere" in called.err


def test_a_missing_audio_root_setting_says_which_to_set(call, monkeypatch):
    monkeypatch.delenv("AUDIO_ASSETS_AUDIO_ROOT")
    called = call("run")
    two_lines(called)
    assert "AUDIO_ASSETS_AUDIO_ROOT" in called.err


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
    assert "Found: owl" in called.err and "field_cricket" not in called.out
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["field_cricket"]')
    called = call("status")
    two_lines(called)
    assert called.code == 1 and "names field_cricket: no such folder" in called.err


def test_an_error_that_was_not_foreseen_is_two_lines_that_tell_how_to_see_more(call, monkeypatch):
    monkeypatch.setattr("audio_assets.cli.status.print_status", fail)
    called = call("status")
    two_lines(called)
    assert called.code == 1
    assert "RuntimeError: the disk is on fire" in called.err and "--debug" in called.err


@pytest.mark.parametrize(("arguments", "code"), [(("status",), 1), (("run", "--model", "svm"), 2)])
def test_debug_shows_the_traceback_before_the_two_lines(call, monkeypatch, arguments, code):
    monkeypatch.setattr("audio_assets.cli.status.print_status", fail)
    called = call("--debug", *arguments)
    assert called.code == code
    assert called.err.startswith("Traceback (most recent call last)")
    assert called.err.splitlines()[-2].startswith("Error: ")


def test_a_wrong_option_is_exit_2_like_a_wrong_setting(call):
    called = call("run", "--nonsense")
    assert called.code == 2
    assert "--nonsense" in called.err
