"""``audio-assets weights``: what it finds, fetches and refuses, and its exit codes."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audio_assets.cli import main
from audio_assets.embeddings import fixed_sound
from audio_assets.models import registry
from audio_assets.models.registry import load_encoder
from audio_assets.weights.sources import SOURCES, WeightFile
from audio_assets_tests.weights.publisher import Publisher, publisher

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Calls ``audio-assets weights``; the exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["audio-assets", "weights", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return int(exit.value.code or 0), capfd.readouterr().out

    return call


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher that has what the registry says of ``mobilenet``."""
    with publisher() as state:
        name = SOURCES["mobilenet"].files[0].name
        state.files[name] = b"nine megabytes"
        source = replace(SOURCES["mobilenet"], files=(WeightFile(name, f"{state.url}/{name}"),))
        encoders = registry._registry().encoders
        monkeypatch.setitem(encoders, "mobilenet", replace(encoders["mobilenet"], source=source))
        yield state


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["encoder"]: row for row in json.loads(out)}


def test_the_list_has_every_encoder_with_weights_its_publisher_and_licence(call: Call) -> None:
    code, out = call("list", "--json")
    found = rows(out)
    assert code == 0
    assert set(found) == set(SOURCES)
    assert found["birdnet"]["state"] == "present" and len(found["birdnet"]["sha256"]) == 2
    assert found["vgg"]["state"] == "missing"
    assert found["vgg"]["licence"] == "CC-BY-4.0"
    assert found["vgg"]["models"] == ["vgg"]
    assert "Keras" in found["vgg"]["publisher"] and "Kaggle" in found["perch"]["publisher"]
    _, table = call("list", "--model", "birdnet")
    assert "birdnet" in table and "CC-BY-NC-SA-4.0" in table and "vgg" not in table


def test_verify_fails_for_what_is_missing_and_passes_for_what_is_right(call: Call) -> None:
    assert call("verify", "--model", "birdnet")[0] == 0
    code, out = call("verify", "--model", "birdnet", "--model", "vgg")
    assert code == 1
    assert "vgg: vgg: its weights are missing" not in out and "weights are missing" in out


def test_fetch_then_verify_and_notice_damage(
    call: Call, offered: Publisher, tmp_path: Path
) -> None:
    code, out = call("fetch", "--model", "mobilenet", "--json")
    assert code == 0 and rows(out)["mobilenet"]["state"] == "fetched"
    assert call("fetch", "--model", "mobilenet")[0] == 0
    assert len(offered.asked) == 1
    assert call("verify", "--model", "mobilenet")[0] == 0
    path = tmp_path / "cache/weights/mobilenet" / SOURCES["mobilenet"].files[0].name
    path.write_bytes(b"nine megabytez!")
    code, out = call("verify", "--model", "mobilenet", "--json")
    assert code == 1 and rows(out)["mobilenet"]["state"] == "damaged"
    assert str(path) in rows(out)["mobilenet"]["note"]
    assert call("fetch", "--model", "mobilenet")[0] == 0
    assert path.read_bytes() == b"nine megabytes"


def test_fetch_fills_a_local_weights_root(
    call: Call, offered: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIO_ASSETS_WEIGHTS_ROOT", str(tmp_path / "mine"))
    assert call("fetch", "--model", "mobilenet")[0] == 0
    assert (tmp_path / "mine/mobilenet" / SOURCES["mobilenet"].files[0].name).is_file()


def test_a_fetch_that_fails_is_said_and_stops_no_other(
    call: Call, offered: Publisher, tmp_path: Path
) -> None:
    offered.files.clear()
    code, out = call("fetch", "--model", "mobilenet", "--model", "birdnet", "--json")
    assert code == 1
    assert rows(out)["mobilenet"]["state"] == "failed"
    assert "404" in rows(out)["mobilenet"]["note"]
    assert rows(out)["birdnet"]["state"] == "present"


def test_verify_embed_compares_with_what_the_genuine_weights_gave(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = call("verify", "--embed", "--model", "birdnet", "--json")
    assert code == 0 and rows(out)["birdnet"]["embedding"]["verdict"] == "agrees"
    known = fixed_sound.KNOWN["birdnet"]
    wrong = replace(known, values=(*known.values[:-1], known.values[-1] + 0.1))
    monkeypatch.setattr(fixed_sound, "KNOWN", {"birdnet": wrong})
    code, out = call("verify", "--embed", "--model", "birdnet", "--json")
    assert code == 1 and rows(out)["birdnet"]["embedding"]["verdict"] == "differs"
    monkeypatch.setattr(fixed_sound, "KNOWN", {})
    code, out = call("verify", "--embed", "--model", "birdnet")
    assert code == 0 and "for the record" in out and "norm 22.31" in out


@pytest.mark.parametrize("name", ["birdnet", "mfcc", "placeholder"])
def test_the_fixed_sound_is_the_same_at_every_call_and_heard_by_every_encoder(name: str) -> None:
    encoder = load_encoder(name)
    summary = fixed_sound.embed_fixed_sound(encoder)
    assert summary == fixed_sound.embed_fixed_sound(encoder)
    assert summary.norm > 0 and len(set(summary.values)) > 4


def test_a_damaged_record_of_one_model_stops_no_other(
    call: Call, offered: Publisher, tmp_path: Path
) -> None:
    assert call("fetch", "--model", "mobilenet")[0] == 0
    (record,) = tmp_path.rglob("SHA256SUMS")
    record.write_bytes(b"\xff\xfe")
    for command in ("list", "verify"):
        found = rows(call(command, "--model", "birdnet", "--model", "mobilenet", "--json")[1])
        assert found["birdnet"]["state"] == "present"
        assert found["mobilenet"]["state"] == "damaged"
        assert f"mobilenet: {record} is damaged" in found["mobilenet"]["note"]
    assert call("fetch", "--model", "mobilenet")[0] == 0
    assert call("verify", "--model", "mobilenet")[0] == 0
