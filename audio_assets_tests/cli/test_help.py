"""What a call says of itself, and what a shell is told while one is typed."""

import pytest
import typer

from audio_assets.cli.app import EXIT_CODES, app


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
    monkeypatch.setattr("audio_assets.objects.bucket.list_folder", asked.append)
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
