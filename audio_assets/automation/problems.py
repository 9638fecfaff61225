"""Judge the problems of the automation from observations of it.

The command line, the asset check, the webhook and the metrics share this one list of problems, so
that all of them report the same. Collecting observations from Dagster belongs in
:mod:`audio_assets.automation.health`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

FAILED_TICKS = 2
"""Failed ticks in a row that make a problem: a single failure is resolved by the next tick."""

# A tick may take a minute, and Dagster delays one whose code server was just restarted.
SILENT_SECONDS = 300.0
_SILENT_INTERVALS = 10
_TICKS_OF_A_START = 3


class Kind(StrEnum):
    """The subject area of a problem."""

    AUDIO = "audio root"
    RESULTS = "results root"
    DAEMON = "daemon"
    SENSOR = "sensor"
    NOTIFICATIONS = "notifications"
    ARRIVING = "still changing"
    GIVEN_UP = "given up"
    REFUSED = "access"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Problem:
    """One problem of the automation.

    Attributes
    ----------
    kind
        Subject area.
    subject
        Name of the sensor, task or other subject; together with the kind it identifies the
        problem.
    what
        Description.
    remedy
        What to do about it.
    species
        The affected species; empty for none or all.
    """

    kind: Kind
    subject: str
    what: str
    remedy: str
    species: str = ""

    @property
    def key(self) -> str:
        """Key that identifies the same problem at another time."""
        return f"{self.kind}: {self.subject}"

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


@dataclass(frozen=True)
class Ticks:
    """The ticks of a sensor or schedule.

    Attributes
    ----------
    name
        Name in the UI.
    is_on
        Whether it is switched on.
    failures
        Consecutive failed ticks, up to the newest that has ended.
    error
        Error of the newest of them.
    last
        Start of the newest tick, in seconds since the epoch; None without any.
    interval
        Seconds between two ticks; None for a schedule.
    recent
        Ticks that began in the last :data:`SILENT_SECONDS`, whether or not they reached the code.
    """

    name: str
    is_on: bool
    failures: int = 0
    error: str = ""
    last: float | None = None
    interval: float | None = None
    recent: int = 0


GOES_ON = "It recovers by itself once the cause is gone."


def what_and_remedy(error: str, otherwise: str) -> tuple[str, str]:
    """Split an error into its first line, the problem, and the rest, the remedy.

    Parameters
    ----------
    error
        Text of the error; empty if unknown.
    otherwise
        Remedy for an error without one.
    """
    what, _, remedy = error.strip().partition("\n")
    return what or "for a reason that is not recorded", " ".join(remedy.split()) or otherwise


def tick_problems(
    all_ticks: Iterable[Ticks], now: float, expected: Collection[str] = ()
) -> list[Problem]:
    """Return the problems of sensors and schedules that are off, fail, stopped or never ticked.

    Parameters
    ----------
    all_ticks
        Ticks of all sensors and schedules that the daemon has loaded.
    now
        Seconds since the epoch.
    expected
        Names that it should have loaded.
    """
    seen = list(all_ticks)
    problems = _unmet(seen, expected)
    # Just after the daemon has started, most last ticks are from before the pause.
    has_just_started = 0 < max((ticks.recent for ticks in seen), default=0) < _TICKS_OF_A_START
    for ticks in seen:
        if not ticks.is_on:
            problems.append(
                Problem(
                    Kind.SENSOR,
                    ticks.name,
                    f"{ticks.name} is switched off",
                    "Switch it on under Automation in the Dagster UI.",
                )
            )
        # A schedule's next tick may be a day away, so a failed one does not resolve itself.
        elif ticks.failures >= (FAILED_TICKS if ticks.interval else 1):
            fault, remedy = what_and_remedy(ticks.error, "See its ticks in the Dagster UI.")
            what = f"{ticks.name} fails: {fault}"
            problems.append(Problem(Kind.SENSOR, ticks.name, what, f"{remedy} {GOES_ON}"))
        elif ticks.interval and ticks.last is not None and not has_just_started:
            silent = now - ticks.last
            if silent > max(SILENT_SECONDS, _SILENT_INTERVALS * ticks.interval):
                problems.append(
                    Problem(
                        Kind.SENSOR,
                        ticks.name,
                        f"{ticks.name} has not ticked for {silent / 60:.0f} minutes",
                        "See in the log of the daemon whether the code location can be loaded; "
                        "after a change of settings or code, restart it.",
                    )
                )
    return problems


def _unmet(seen: Sequence[Ticks], expected: Collection[str]) -> list[Problem]:
    remedy = (
        "See in the log of the daemon whether the code location can be loaded. If the daemon has "
        "just started, look again in a minute."
    )
    if not seen and expected:
        return [Problem(Kind.SENSOR, "all", "no sensor has ticked yet", remedy)]
    if max((ticks.recent for ticks in seen), default=0) < _TICKS_OF_A_START:
        return []
    missing = sorted(set(expected) - {ticks.name for ticks in seen})
    return [Problem(Kind.SENSOR, name, f"{name} has never ticked", remedy) for name in missing]


@dataclass(frozen=True)
class News:
    """The changes since problems were last reported.

    Attributes
    ----------
    begun
        Problems that have not been reported yet.
    ended
        Keys of reported problems that no longer exist.
    """

    begun: tuple[Problem, ...]
    ended: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended)

    def lines(self) -> list[str]:
        """Return one message per problem that began or ended."""
        begun = [f"audio-assets: problem: {problem}" for problem in self.begun]
        return begun + [f"audio-assets: resolved: {key}" for key in self.ended]


def news(reported: Collection[str], problems: Sequence[Problem]) -> News:
    """Compare problems with those that were reported.

    Parameters
    ----------
    reported
        Keys of the reported problems.
    problems
        Current problems.
    """
    keys = {problem.key for problem in problems}
    begun = tuple(problem for problem in problems if problem.key not in reported)
    return News(begun, tuple(sorted(set(reported) - keys)))


def read_reported(cursor: str | None) -> frozenset[str]:
    """Read the keys written by :func:`write_reported`; empty for other text."""
    try:
        kept = json.loads(cursor or "{}")
    except ValueError:
        return frozenset()
    keys = kept.get("told") if isinstance(kept, dict) else None
    return frozenset(map(str, keys)) if isinstance(keys, list) else frozenset()


def write_reported(keys: Iterable[str]) -> str:
    """Return the cursor for :func:`read_reported`."""
    return json.dumps({"told": sorted(keys)})
