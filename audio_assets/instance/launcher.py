"""The run launcher of the local instance: Dagster's own, that also notices when a worker is gone.

Without it a run whose process was killed counts as going on for ever: nothing behind it in the
queue is started, and its partition is never asked for again. With run monitoring it fails, and is
retried by ``run_retries``, which is only for lost workers.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

from audio_assets.objects.systems import process_exists

_CLOCK_SECONDS = 5.0
_PROC = Path("/proc")


class LocalRunLauncher(DefaultRunLauncher):
    """Starts runs in processes of this machine and says whether these still live."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        worker = _worker_of(self._instance, run.run_id)
        if worker is None or process_lives(*worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"its process {worker[0]} on this machine is gone"
        )


def _worker_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Process id that a run last named, and when."""
    found = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event is not None else None
        if pid is not None:
            found = int(str(pid.value)), entry.timestamp
    return found


def process_lives(pid: int, since: float, proc: Path = _PROC) -> bool:
    """Return whether the process that had this id at a time is still running.

    Ids are reused, in containers often after a restart, so a process that started
    later is another one. Without ``/proc``, any process with the id counts.

    Parameters
    ----------
    pid
        Process id.
    since
        When the process was seen, in seconds since the epoch.
    proc
        Where the kernel shows processes.
    """
    if not process_exists(pid):
        return False
    try:
        # The name, in brackets, may hold blanks; the state comes next, the start as the 20th.
        fields = (proc / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
        boot = next(
            int(line.split()[1])
            for line in (proc / "stat").read_text("utf-8").splitlines()
            if line.startswith("btime ")
        )
    except FileNotFoundError:
        return not proc.exists()
    started = boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0] not in "ZX" and started <= since + _CLOCK_SECONDS
