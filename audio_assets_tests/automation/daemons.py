"""A daemon and a code server as processes of their own, the way a deployment runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.scheduler.instigation import InstigatorState, TickStatus

import audio_assets
from audio_assets.automation.health import examine_health
from audio_assets.automation.local_runner import LocalRunner
from audio_assets.automation.watch import JOB
from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness, _Loading
from audio_assets.settings import PREFIX, load_settings

CLONE = Path(audio_assets.__file__).parents[1]
PATIENCE_SECONDS = 300

SETTINGS: dict[str, Any] = {
    "models": ("placeholder",),
    "duplicate_encoder": "",
    "training_sizes": (4,),
    "folds": 2,
    "repeats": 1,
    "species_classes": {},
    # A tick takes half a second of CPU: with one every second they slow down the runs.
    "sensor_seconds": 4,
    # Else a bucket at rest is listed once a minute.
    "listing_max_seconds": 4,
}
"""As little work as there can be."""

# Dagster's own waits 5 s between two looks at its sensors: with six runs one after the other that
# is most of the time of a test.
_DAEMON = (
    "from dagster._daemon import cli, sensor; sensor.MIN_INTERVAL_LOOP_TIME = 1; cli.main()",
    "run",
)


@dataclass
class Daemon:
    """A daemon and a code server over one instance; runs are children of the code server.

    Attributes
    ----------
    folder
        Receives ``home`` (the Dagster home), the workspace file and the log of both processes.
    roots
        ``audio_root`` and ``results_root``.
    settings
        What the code server was last started with, beside the roots.
    storage
        The ``storage`` of ``dagster.yaml``; empty for SQLite.
    environment
        Further variables of both processes.
    workspace
        A workspace file that names a module. The daemon starts the code server itself, then.
    """

    folder: Path
    roots: dict[str, str]
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    storage: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    workspace: Path | None = None

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.log = self.folder / "log"
        self._port = _free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.home.mkdir(parents=True)
        config = yaml.safe_load((CLONE / "dagster.yaml").read_text())
        config["run_coordinator"]["config"] = {"dequeue_interval_seconds": 1}
        config["run_monitoring"]["poll_interval_seconds"] = 5
        if self.storage:
            config["storage"] = self.storage
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(config))
        if self.workspace is None:
            self._write_workspace()
        self.instance = dg.DagsterInstance.from_config(str(self.home))

    def _write_workspace(self) -> None:
        place = {"host": "127.0.0.1", "port": self._port, "location_name": "audio_assets"}
        workspace = {"load_from": [{"grpc_server": place}]}
        (self.folder / "workspace.yaml").write_text(yaml.safe_dump(workspace))

    def plan(self, patience: float | None = None) -> AssetPlan:
        """What is made with the settings that the code server has."""
        settings = load_settings(**self.roots, **self.settings)
        return AssetPlan(settings, build_partitions(settings), patience)

    def variables(self) -> dict[str, str]:
        """The settings and the Dagster home as environment variables."""
        given = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in {**self.roots, **self.settings}.items()
        }
        return {
            **{PREFIX + name.upper(): value for name, value in given.items()},
            "DAGSTER_HOME": str(self.home),
            **self.environment,
        }

    def make_all(self, *species: str) -> None:
        """Bring species up to date in this process, which is several times faster."""
        plan = self.plan()
        runner = LocalRunner(build_defs(plan.settings), plan, self.instance)
        assert runner.bring_up_to_date(species, plan.settings.models).failures == {}

    def start(self) -> None:
        """Start the code server, and the daemon when that answers."""
        if self.workspace is None:
            self._start_code_server()
        workspace = self.workspace or self.folder / "workspace.yaml"
        self._start("daemon", "-c", *_DAEMON, "-w", str(workspace))

    def stop(self) -> None:
        """Stop both as an operator does, and wait for their end."""
        for name in ("daemon", "code server"):
            self._stop(name)

    def kill(self) -> None:
        """Kill both and all runs at once, as a machine that fails does."""
        for process in self._processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def reload(self, **settings: Any) -> None:
        """Replace the code server by one with other settings; the daemon goes on."""
        self._stop("code server")
        self.settings |= settings
        self._start_code_server()

    def wait_for(
        self,
        what: str,
        condition: Callable[[], Any],
        found: Callable[[], Any] = lambda: "",
    ) -> None:
        """Wait until something is so; else fail with what is found instead, and with the logs."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            asked = time.monotonic()
            if condition():
                return
            for name, process in self._processes.items():
                if process.poll() is not None:
                    pytest.fail(f"the {name} ended with {process.returncode}\n{self._said()}")
            if time.monotonic() > until:
                pytest.fail(f"it did not happen: {what}\nfound: {found()}\n{self._said()}")
            # What is asked may take a second of CPU, which the runs are waiting for, too.
            time.sleep(0.5 + 3 * (time.monotonic() - asked))

    def runs_since(self, before: int) -> list[dg.DagsterRun]:
        """The runs after the first ``before``, newest first."""
        runs = list(self.instance.get_runs())
        return runs[: len(runs) - before]

    def unfinished(self) -> list[dg.DagsterRun]:
        """Runs that are queued or going on, but for those of the check of the health."""
        return [
            run for run in self.instance.get_runs() if not run.is_finished and run.job_name != JOB
        ]

    def is_at_rest(self, before: int) -> bool:
        """Whether a report was made since there were ``before`` runs, and no run is left."""
        new = self.runs_since(before)
        reported = any(run.job_name == "report" and run.is_success for run in new)
        return reported and not self.unfinished()

    def made_since(self, before: int) -> Counter[tuple[str, str]]:
        """How often each asset partition was made by the runs after the first ``before``."""
        made: Counter[tuple[str, str]] = Counter()
        for run in self.runs_since(before):
            kind = dg.DagsterEventType.ASSET_MATERIALIZATION
            for entry in self.instance.all_logs(run.run_id, of_type=kind):
                event = entry.asset_materialization
                assert event is not None
                made[event.asset_key.to_user_string(), event.partition or ""] += 1
        return made

    def not_fresh(self) -> list[tuple[str, str | None]]:
        """Partitions that are stale or missing: by Dagster's decision, not ours."""
        graph = build_defs(self.plan().settings).resolve_asset_graph()
        found = []
        with partition_loading_context(dynamic_partitions_store=self.instance):
            resolver = CachingStaleStatusResolver(self.instance, graph, _Loading(self.instance))
            for key in graph.materializable_asset_keys:
                partitions = graph.get(key).partitions_def
                for partition in partitions.get_partition_keys() if partitions else [None]:
                    if resolver.get_status(key, partition) is not StaleStatus.FRESH:
                        found.append((key.to_user_string(), partition))
        return found

    def problems(self, *, later: float = 0.0) -> dict[str, str]:
        """What stands in the way of the automation by what it is about, in so many seconds."""
        plan = self.plan(patience=10)
        graph = build_defs(plan.settings).resolve_asset_graph()
        staleness = Staleness(graph, plan.roots, self.instance, of_all=True)
        health = examine_health(plan, self.instance, staleness, now=time.time() + later)
        return {problem.key: problem.what for problem in health.problems}

    def sensor(self, name: str) -> InstigatorState | None:
        """What the daemon keeps of a sensor; None before its first tick."""
        sensors = self.instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
        return next((state for state in sensors if state.instigator_name == name), None)

    def ticks(self, sensor: str, status: TickStatus | None = None) -> list[Any]:
        """Finished ticks of a sensor, newest first."""
        state = self.sensor(sensor)
        if state is None:
            return []
        wanted = [status] if status else [s for s in TickStatus if s is not TickStatus.STARTED]
        found = self.instance.get_ticks(
            state.instigator_origin_id, state.selector_id, statuses=wanted
        )
        return list(found)

    def failed_ticks(self) -> dict[str, list[str]]:
        """Errors of the ticks that failed, newest first, by sensor.

        Those that found no code server, as all do while it is replaced, are left out.
        """
        found: dict[str, list[str]] = {}
        for state in self.instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
            for tick in self.ticks(state.instigator_name, TickStatus.FAILURE):
                error = tick.error.to_string() if tick.error else ""
                if DagsterUserCodeUnreachableError.__name__ not in error:
                    found.setdefault(state.instigator_name, []).append(error)
        return found

    def _start_code_server(self) -> None:
        arguments = ["-h", "127.0.0.1", "-p", str(self._port), "-m", "audio_assets.definitions"]
        self._start("code server", "-m", "dagster", "api", "grpc", *arguments)
        check = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "-p", str(self._port)]
        until = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(check, capture_output=True).returncode:
            if self._processes["code server"].poll() is not None or time.monotonic() > until:
                pytest.fail(f"the code server did not start\n{self._said()}")

    def _start(self, name: str, *arguments: str) -> None:
        environment = {key: v for key, v in os.environ.items() if not key.startswith(PREFIX)}
        environment |= {
            **self.variables(),
            "PYTHONPATH": str(CLONE),
            "PYTHONWARNINGS": "ignore",
        }
        with self.log.open("ab") as log:
            # Each the head of a process group, so that its children can be killed with it.
            self._processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _said(self) -> str:
        lines = [f"{run.job_name} {run.tags.get('dagster/partition', '')}: {run.status.value}"
                 for run in self.instance.get_runs(limit=20)]  # fmt: skip
        ticks = [
            f"{name} failed {len(errors)} times:\n{errors[0][-2000:]}"
            for name, errors in self.failed_ticks().items()
        ]
        log = self.log.read_text(errors="replace")[-5000:] if self.log.exists() else ""
        return "\n".join(["newest runs:", *lines, *ticks, "log:", log])


@contextmanager
def closing(daemon: Daemon) -> Iterator[Daemon]:
    """Leave no process of a daemon behind."""
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.instance.dispose()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
