"""What Prometheus is told, scraped over loopback from a real instance."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

import audio_assets
from audio_assets.automation import metrics
from audio_assets.automation.health import WATCHED
from audio_assets.automation.metrics import Collected, parts_of
from audio_assets.cli.metrics import run_metrics
from audio_assets.errors import SettingsError
from audio_assets.evaluation import species as species_evaluation
from audio_assets.settings import PREFIX
from audio_assets_tests.automation.ticks import Automation
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = pytest.mark.usefixtures("no_drawing")

Samples = dict[str, dict[tuple[str, ...], float]]


@contextmanager
def exported(collected: Collected) -> Iterator[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collected)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()
    thread.join()


def scraped(url: str) -> Samples:
    """Values by metric and labels in order of their names, parsed as Prometheus does."""
    with urllib.request.urlopen(url) as response:
        text = response.read().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(family.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def collector(automation: Automation) -> Collected:
    plan = automation.place.plan(**automation.settings)
    graph = automation.defs.resolve_asset_graph()
    return Collected(parts_of(plan, automation.place.instance, graph))


def look(automation: Automation) -> Samples:
    collected = collector(automation)
    collected.refresh()
    with exported(collected) as url:
        return scraped(url)


@pytest.mark.slow
def test_an_automation_at_rest_is_fresh_and_has_no_problem(filled):
    found = look(filled)
    tasks = found["audio_assets_tasks"]
    assert {species for species, _ in tasks} == {"", "fox", "owl"}
    assert all(n == 0 for (_, standing), n in tasks.items() if standing != "fresh")
    assert tasks["owl", "fresh"] > 0
    assert set(found["audio_assets_problems"].values()) == {0}
    assert set(found["audio_assets_species_behind_since_timestamp_seconds"].values()) == {0}
    assert found["audio_assets_clips"]["pos", "owl", "data"] == 8
    assert found["audio_assets_clips"]["neg", "owl", "data_5s"] == 0
    assert found["audio_assets_clips_quarantined"] == {("fox",): 0, ("owl",): 0}
    assert found["audio_assets_runs"]["success",] > 0 == found["audio_assets_runs"]["failure",]
    assert set(found["audio_assets_scrape_failures"].values()) == {0}
    assert set(found["audio_assets_scrape_failures"]) == {
        (part,) for part in ("health", "runs", "ticks", "clips", "requests")
    }


@pytest.mark.slow
def test_what_fails_and_what_cannot_be_used_is_counted_until_it_is_mended(automation, monkeypatch):
    real = species_evaluation.score_species

    def fail(*args, **options):
        raise OSError("the disk is full")

    (automation.place.audio / "owl/data/pos/silent.wav").write_bytes(b"no sound")
    automation.settings |= {"retry_seconds": 0}
    monkeypatch.setattr(species_evaluation, "score_species", fail)
    automation.settle()
    found = look(automation)
    assert found["audio_assets_problems"]["given_up",] == 1
    assert found["audio_assets_tasks"]["owl", "failed"] == 1
    assert found["audio_assets_species_behind_since_timestamp_seconds"]["owl",] > 1.7e9
    assert found["audio_assets_runs"]["failure",] == 3
    assert found["audio_assets_clips"]["pos", "owl", "data"] == 9

    monkeypatch.setattr(species_evaluation, "score_species", real)
    write_clip(automation.place.audio / "owl/data/pos/more.wav", clip(77, tone=True))
    automation.settle()
    found = look(automation)
    assert found["audio_assets_tasks"]["owl", "failed"] == 0
    assert found["audio_assets_problems"]["given_up",] == 0
    assert found["audio_assets_clips_quarantined"]["owl",] == 1


def test_a_part_that_fails_is_named_and_the_others_are_told(automation, monkeypatch):
    collected = collector(automation)
    collected.refresh()
    monkeypatch.setattr(metrics, "_runs", lambda instance: 1 / 0)
    with exported(collected) as url:
        before = scraped(url)
        collected.refresh()
        after = scraped(url)
    assert before["audio_assets_scrape_failures"]["runs",] == 0
    assert "audio_assets_runs" in before and "audio_assets_runs" not in after
    assert after["audio_assets_scrape_failures"] == before["audio_assets_scrape_failures"] | {
        ("runs",): 1
    }
    assert after["audio_assets_collected_timestamp_seconds"]["runs",] == (
        before["audio_assets_collected_timestamp_seconds"]["runs",]
    )
    assert "audio_assets_problems" in after


def test_a_scrape_asks_nothing_of_instance_or_roots(automation):
    calls = []
    collected = Collected({"counted": lambda: calls.append(1) or []})
    collected.refresh()
    with exported(collected) as url:
        for _ in range(3):
            scraped(url)
    assert calls == [1]


def test_a_species_that_was_removed_has_no_clips(automation):
    instance = automation.place.instance
    instance.add_dynamic_partitions("species", ["owl"])
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            "audio_inventory", partition="owl", metadata={"not used": 2, "clips data/pos": 7}
        )
    )
    clips, unused, _ = metrics._clips(instance)
    assert [(s.labels["label"], s.value) for s in clips.samples if s.value] == [("pos", 7)]
    assert [s.value for s in unused.samples] == [2]
    instance.delete_dynamic_partition("species", "owl")
    assert [family.samples for family in metrics._clips(instance)] == [[], [], []]


def failing_sensor(
    name: str, at: float, failures: int, cursor: str | None = None
) -> tuple[InstigatorState, list[TickData]]:
    """A sensor that ticked well and then failed, as the daemon records it."""
    code = RegisteredCodeLocationOrigin("audio_assets.definitions")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(code, "__repository__"), name)
    data = SensorInstigatorData(min_interval=30, last_tick_start_timestamp=at, cursor=cursor)
    kind = InstigatorType.SENSOR
    state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
    error = SerializableErrorInfo("it broke", [], "OSError")
    statuses = [TickStatus.SUCCESS] + [TickStatus.FAILURE] * failures
    ticks = [
        TickData(
            state.instigator_origin_id,
            name,
            kind,
            status,
            at - failures + number,
            run_ids=[],
            error=error if status is TickStatus.FAILURE else None,
            selector_id=state.selector_id,
        )
        for number, status in enumerate(statuses)
    ]
    return state, ticks


@pytest.mark.posix
@pytest.mark.slow
def test_the_command_tells_ticks_of_a_daemon_on_loopback_and_ends_when_asked(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    write_species(tmp_path / "audio", "owl", recordings=4)
    at = time.time() - 50
    with dg.DagsterInstance.from_config(str(home)) as instance:
        state, ticks = failing_sensor("stale_partitions", at, failures=2)
        instance.add_instigator_state(state)
        for tick in ticks:
            instance.create_tick(tick)
        counted = '{"requests": {"list": 251, "read": 3}}'
        instance.add_instigator_state(failing_sensor("changed_audio", at, 0, counted)[0])
        instance.add_daemon_heartbeat(DaemonHeartbeat(at, "SENSOR", "daemon", []))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(PREFIX)},
        "AUDIO_ASSETS_AUDIO_ROOT": str(tmp_path / "audio"),
        "AUDIO_ASSETS_RESULTS_ROOT": str(tmp_path / "results"),
        "AUDIO_ASSETS_MODELS": '["placeholder"]',
        "AUDIO_ASSETS_DUPLICATE_ENCODER": "",
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(Path(audio_assets.__file__).parents[1]),
        "PYTHONWARNINGS": "ignore",
    }
    code = "from audio_assets.cli import main; main()"
    command = [sys.executable, "-c", code, "metrics", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("Metrics on http://127.0.0.1:")
        url = said.removeprefix("Metrics on ").strip()
        for _ in range(120):
            found = scraped(url)
            if len(found.get("audio_assets_scrape_failures", ())) == 5:
                break
            time.sleep(0.5)
        assert set(found["audio_assets_scrape_failures"].values()) == {0}
        ticked = found["audio_assets_last_tick_timestamp_seconds"]["stale_partitions",]
        assert ticked == pytest.approx(at)
        failures = found["audio_assets_tick_failures"]
        assert failures == {("stale_partitions",): 2, ("changed_audio",): 0}
        assert set(found["audio_assets_sensor_on"].values()) == {1}
        assert found["audio_assets_bucket_requests"] == {
            ("list", "changed_audio"): 251,
            ("read", "changed_audio"): 3,
        }
        assert found["audio_assets_daemon_heartbeat_timestamp_seconds"] == {(): pytest.approx(at)}
        # One fails; the daemon has met two of all.
        assert found["audio_assets_problems"]["sensor",] == 1 + len(WATCHED) - 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="cannot be served on 127.0.0.1") as caught:
            run_metrics("127.0.0.1", port, 60, stop=threading.Event())
    assert "--port" in str(caught.value)
