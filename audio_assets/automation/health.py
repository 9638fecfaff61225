"""The health of the automation, collected from Dagster's instance and from the roots.

Everything that reports it (``doctor``, ``status``, the check, the webhook, the metrics) calls
:func:`examine_health`; the judgement belongs in :mod:`audio_assets.automation.problems`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    SensorInstigatorData,
    TickStatus,
)

from audio_assets.automation.audio_changes import changing_since, notifications_fault
from audio_assets.automation.decisions import ATTEMPTS, Decision, Standing, Task
from audio_assets.automation.lateness import late_names, read_since, what_is_behind
from audio_assets.automation.problems import (
    GOES_ON,
)
from audio_assets.automation.problems import SILENT_SECONDS as TICKS_SILENT_SECONDS
from audio_assets.automation.problems import Kind, Problem, Ticks, tick_problems, what_and_remedy
from audio_assets.automation.runs import TASK_TAG, cause_of, failure_reason
from audio_assets.automation.stale import refusal_of_species, stale_decision
from audio_assets.automation.tasks import JOBS_OF_MODELS, species_of
from audio_assets.catalog.access import check_writable
from audio_assets.catalog.listing import list_species
from audio_assets.catalog.notice import NOTICE
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.errors import AudioAssetsError
from audio_assets.pipeline.plan import AssetPlan

if TYPE_CHECKING:
    from audio_assets.pipeline.staleness import Staleness

SILENT_SECONDS = 120.0
"""A daemon without a heartbeat for this long is not running: it sends one every 30 s."""
START_DAEMON = (
    "Nothing is detected or run automatically until it runs: make ui, or dagster-daemon run."
)
DAEMON_IS_SILENT = f"{Kind.DAEMON}: daemon"
WATCHED = (
    "species_folders",
    "changed_audio",
    "stale_partitions",
    "failed_runs",
    "old_runs",
    "health",
    "nightly_inventory",
    "nightly_report",
)
"""Sensors and schedules whose failure stops a part of the automation."""
_TICKS_READ = 10
_TIMED_OUT = "timed out due to taking longer"
# Errors of these parts come from ticks and stay for minutes after the next successful tick.
_TICKING = {"SENSOR", "SCHEDULER"}


@dataclass(frozen=True)
class Health:
    """The state of the automation.

    Attributes
    ----------
    problems
        Its problems; empty if there are none.
    decision
        The state of each task; None if it cannot be determined, which is a problem of its own.
    """

    problems: tuple[Problem, ...]
    decision: Decision | None


def examine_health(
    plan: AssetPlan,
    instance: dg.DagsterInstance,
    staleness: Staleness,
    *,
    now: float | None = None,
) -> Health:
    """Examine roots, daemon, sensors and tasks; an error in one does not hide the others.

    Parameters
    ----------
    plan
        Plan whose patience limits the wait for a failing bucket.
    instance
        Instance that records the automation.
    staleness
        Staleness of all assets, newly created with ``of_all``.
    now
        Seconds since the epoch; the current time by default.
    """
    now = time.time() if now is None else now
    problems = [*audio_problems(plan), *results_problems(plan)]
    problems += _guarded("daemon", lambda: daemon_problems(instance, now))
    # A daemon that is down has no ticks to judge.
    if not any(problem.key == DAEMON_IS_SILENT for problem in problems):
        expected = WATCHED if instance.get_daemon_heartbeats() else ()
        problems += _guarded(
            "sensors", lambda: tick_problems(ticks_of(instance, now), now, expected)
        )
    problems += _guarded("arriving audio", lambda: _arriving_problems(plan, instance, now))
    problems += _guarded("notifications", lambda: _notification_problems(plan, instance))
    decisions: list[Decision] = []

    def tasks() -> Iterator[Problem]:
        decisions.append(stale_decision(plan, instance, staleness))
        yield from task_problems(plan, instance, decisions[0])
        yield from _late_problems(plan, instance, decisions[0], now)

    problems += _guarded("partitions", tasks)
    return Health(tuple(problems), decisions[0] if decisions else None)


def _guarded(
    subject: str, examine: Callable[[], Iterator[Problem] | list[Problem]]
) -> list[Problem]:
    """Run an examination and turn an error in it into a problem."""
    problems = []
    try:
        for problem in examine():
            problems.append(problem)
    except AudioAssetsError as error:
        problems.append(Problem(Kind.UNKNOWN, subject, error.what, error.remedy))
    except Exception as error:
        what = f"{subject} could not be examined: {type(error).__name__}: {error}"
        remedy = "See the log of the daemon, and check that the instance's database responds."
        problems.append(Problem(Kind.UNKNOWN, subject, what, remedy))
    return problems


def audio_problems(plan: AssetPlan) -> list[Problem]:
    """Check that the audio root can be listed and its ``clips.csv`` read."""
    try:
        root = plan.roots.audio
        list_species(root)
        read_recording_rules(root, plan.settings.recording_patterns)
    except AudioAssetsError as error:
        return [Problem(Kind.AUDIO, plan.settings.audio_root, error.what, error.remedy)]
    return []


def results_problems(plan: AssetPlan) -> list[Problem]:
    """Check that the results root can be written to."""
    root = plan.settings.results_root
    try:
        check_writable(plan.roots.results.root)
    except AudioAssetsError as error:
        return [Problem(Kind.RESULTS, root, error.what, error.remedy)]
    except OSError as error:
        what = f"{root} cannot be written to: {error}"
        return [Problem(Kind.RESULTS, root, what, "Get permission to write and delete there.")]
    return []


def daemon_problems(instance: dg.DagsterInstance, now: float) -> list[Problem]:
    """Check that a daemon that once ran is still running. One that never ran is not a problem."""
    beats = instance.get_daemon_heartbeats()
    if not beats:
        return []
    silent = now - max(beat.timestamp for beat in beats.values())
    if silent > SILENT_SECONDS:
        what = f"the daemon has been silent for {silent / 60:.0f} minutes"
        return [Problem(Kind.DAEMON, "daemon", what, START_DAEMON)]
    problems = []
    for name in sorted(set(instance.get_required_daemon_types()) & beats.keys() - _TICKING):
        for error in (beats[name].errors or ())[:1]:
            fault, remedy = what_and_remedy(cause_of(error), "See the log of the daemon.")
            what = f"the daemon's part {name} fails: {fault}"
            problems.append(Problem(Kind.DAEMON, name, what, f"{remedy} {GOES_ON}"))
    return problems


def daemon_note(instance: dg.DagsterInstance) -> str:
    """Return a note if no daemon has ever run, else an empty text."""
    if instance.get_daemon_heartbeats():
        return ""
    return f"has never run on this instance. {START_DAEMON}"


def watched_states(instance: dg.DagsterInstance) -> dict[str, InstigatorState]:
    """Return name -> state of each watched sensor and schedule that has one.

    If several have the same name, left by other workspace files or moved clones, the one that
    ticked last is returned.
    """
    states: dict[str, InstigatorState] = {}
    if instance.schedule_storage is None:
        # An in-memory instance, such as the demo's, has no sensors.
        return states
    for state in instance.all_instigator_state():
        name = state.instigator_name
        if name in WATCHED and (
            name not in states or _last_start(state) > _last_start(states[name])
        ):
            states[name] = state
    return states


def cursor_of(instance: dg.DagsterInstance, sensor: str) -> str | None:
    """Return a sensor's cursor from its last successful tick; None without one."""
    state = watched_states(instance).get(sensor)
    data = state.instigator_data if state is not None else None
    return data.cursor if isinstance(data, SensorInstigatorData) else None


def ticks_of(instance: dg.DagsterInstance, now: float) -> Iterator[Ticks]:
    """Yield the ticks of each watched sensor and schedule.

    Ticks that did not reach the code server are ignored, because they reveal nothing about the
    sensor. Thus a restart is not reported, and a server that stays down makes its sensors silent.
    """
    for name, state in sorted(watched_states(instance).items()):
        newest_first = instance.get_ticks(
            state.instigator_origin_id, state.selector_id, limit=_TICKS_READ
        )
        data = state.instigator_data
        reached = [tick for tick in newest_first if not _is_unreached(tick)]
        at_last = reached[:1] or instance.get_ticks(
            state.instigator_origin_id,
            state.selector_id,
            limit=1,
            statuses=[TickStatus.SUCCESS, TickStatus.SKIPPED],
        )
        ended = [tick for tick in reached if tick.status is not TickStatus.STARTED]
        failed = []
        for tick in ended:
            if tick.status is not TickStatus.FAILURE:
                break
            failed.append(tick)
        error = failed[0].tick_data.error if failed else None
        yield Ticks(
            name=name,
            is_on=state.status is not InstigatorStatus.STOPPED,
            failures=len(failed),
            error=cause_of(error) if error is not None else "",
            last=at_last[0].timestamp if at_last else None,
            recent=sum(tick.timestamp > now - TICKS_SILENT_SECONDS for tick in newest_first),
            interval=(data.min_interval or 30) if isinstance(data, SensorInstigatorData) else None,
        )


def _is_unreached(tick: InstigatorTick) -> bool:
    error = tick.tick_data.error
    if error is None or error.cls_name != DagsterUserCodeUnreachableError.__name__:
        return False
    # A tick that timed out has the same error, but did reach the server.
    return _TIMED_OUT not in cause_of(error) and _TIMED_OUT not in str(error.message)


def task_problems(
    plan: AssetPlan, instance: dg.DagsterInstance, decision: Decision
) -> Iterator[Problem]:
    """Yield the tasks that were given up, and the species whose audio may not be read."""
    for task in decision.of(Standing.FAILED):
        yield _given_up(plan, instance, task)
    refused = sorted({species_of(task) for task in decision.of(Standing.REFUSED)})
    for species in refused:
        reason = " ".join(refusal_of_species(plan, species).split())
        read = f"the clips of {species}" if species else f"{NOTICE} beside the species"
        what = f"{read} may not be read: {reason}"
        remedy = "Grant read access; the waiting work then continues by itself."
        yield Problem(Kind.REFUSED, species or NOTICE, what, remedy, species)


def _given_up(plan: AssetPlan, instance: dg.DagsterInstance, task: Task) -> Problem:
    newest = instance.get_run_records(dg.RunsFilter(tags={TASK_TAG: str(task)}), limit=1)
    reason, at = "", "later"
    if newest:
        reason = failure_reason(instance, newest[0].dagster_run.run_id)
        end = (newest[0].end_time or 0.0) + 3600 * plan.settings.give_up_hours
        at = f"at {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
    fault, remedy = what_and_remedy(reason, "See its runs in the Dagster UI.")
    species = species_of(task)
    command = "audio-assets retry" + (f" --species {species}" if species else "")
    return Problem(
        Kind.GIVEN_UP,
        str(task),
        f"{task} failed {ATTEMPTS} times and is given up: {fault}",
        f"{remedy} It is retried once {at}, or at once after: {command}",
        species,
    )


def _late_problems(
    plan: AssetPlan, instance: dg.DagsterInstance, decision: Decision, now: float
) -> Iterator[Problem]:
    behind = what_is_behind(decision, jobs_of_no_species=JOBS_OF_MODELS)
    since = read_since(cursor_of(instance, "stale_partitions"))
    # The cursor is from the last successful tick; tasks that became fresh since are not late.
    still = {name: start for name, start in since.items() if name in behind}
    species = {species_of(task) for task in decision.standings}
    for name in late_names(still, plan.settings.late_hours, now):
        hours = (now - still[name]) / 3600
        what = f"{name} has been behind for {hours:.0f} h: {behind[name]}"
        remedy = "Check in the Dagster UI what its runs are waiting for."
        yield Problem(Kind.LATE, name, what, remedy, name if name in species else "")


def _arriving_problems(
    plan: AssetPlan, instance: dg.DagsterInstance, now: float
) -> Iterator[Problem]:
    """Yield the species whose audio has been changing for longer than the longest wait."""
    longest = 60 * plan.settings.longest_wait_minutes
    changing = changing_since(cursor_of(instance, "changed_audio"))
    for species, since in sorted(changing.items()):
        if now - since > longest:
            what = f"the audio of {species} has been changing for {(now - since) / 60:.0f} minutes"
            remedy = (
                "Find out what keeps writing there. Its results are still updated every "
                f"{plan.settings.longest_wait_minutes:g} minutes."
            )
            yield Problem(Kind.ARRIVING, species, what, remedy, species)


def _notification_problems(plan: AssetPlan, instance: dg.DagsterInstance) -> list[Problem]:
    """Check that the configured subscription works; without it, audio is still listed."""
    name = plan.settings.notifications
    fault = notifications_fault(cursor_of(instance, "changed_audio")) if name else ""
    if not fault:
        return []
    what, remedy = what_and_remedy(fault, "See the ticks of changed_audio in the Dagster UI.")
    what = f"notifications of changed audio do not work: {what}"
    return [Problem(Kind.NOTIFICATIONS, name, what, f"{remedy} {GOES_ON}")]


def _last_start(state: InstigatorState) -> float:
    data = state.instigator_data
    if isinstance(data, SensorInstigatorData):
        return data.last_tick_start_timestamp or data.last_tick_timestamp or 0.0
    return (data.start_timestamp or 0.0) if data is not None else 0.0
