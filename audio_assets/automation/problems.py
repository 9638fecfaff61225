"""What is wrong with the automation, judged from what was seen of it.

One list of problems, for the command line, the asset check, the webhook and the metrics, so that
all of them tell the same. How it is collected from Dagster is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

FAILED_TICKS = 2
"""Ticks that fail in a row before it is a problem: one fails by chance, and the next mends it."""

# A tick may take a minute, and Dagster delays one whose code server was just restarted.
SILENT_SECONDS = 300.0
_SILENT_INTERVALS = 10
_TICKS_OF_A_START = 3


class Kind(StrEnum):
    """What a problem is about."""

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
    """One thing that stands in the way of the automation.

    Attributes
    ----------
    kind
        What it is about.
    subject
        Which one, e.g. the name of a sensor or a task; with the kind it tells the problem from all
        others.
    what
        What is wrong.
    remedy
        What to do about it.
    species
        The species that it stops; empty if it is of none, or of all.
    """

    kind: Kind
    subject: str
    what: str
    remedy: str
    species: str = ""

    @property
    def key(self) -> str:
        """What is equal for the same problem at another time."""
        return f"{self.kind}: {self.subject}"

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


@dataclass(frozen=True)
class Ticks:
    """What is known of a sensor or schedule.

    Attributes
    ----------
    name
        As the UI shows it.
    is_on
        Whether it is switched on.
    failures
        Ticks in a row that failed, up to the newest that has ended.
    error
        Why the newest of them failed.
    last
        When the newest tick began, in seconds since the epoch; None without any.
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


GOES_ON = "It goes on by itself when the cause is gone."


def what_and_remedy(error: str, otherwise: str) -> tuple[str, str]:
    """Take an error apart that says in its first line what is wrong, and then what to do.

    Parameters
    ----------
    error
        Its words; empty if they are not known.
    otherwise
        What to do where the error does not say it.
    """
    what, _, remedy = error.strip().partition("\n")
    return what or "for a reason that is not recorded", " ".join(remedy.split()) or otherwise


def tick_problems(
    all_ticks: Iterable[Ticks], now: float, expected: Collection[str] = ()
) -> list[Problem]:
    """Sensors and schedules that are switched off, fail, no longer tick, or never did.

    Parameters
    ----------
    all_ticks
        Of those that the daemon has met.
    now
        Seconds since the epoch.
    expected
        Names of those that it should have met.
    """
    seen = list(all_ticks)
    problems = _unmet(seen, expected)
    # Just after a start of the daemon the last ticks of most are those before the pause.
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
        # A schedule's next tick may be a day away: one that failed is not mended by itself.
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
    """What changed since the problems were last told.

    Attributes
    ----------
    begun
        Problems that were not told yet.
    ended
        Keys of problems that were told and are no more.
    """

    begun: tuple[Problem, ...]
    ended: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended)

    def lines(self) -> list[str]:
        """A message per problem that began or ended."""
        begun = [f"audio-assets: problem: {problem}" for problem in self.begun]
        return begun + [f"audio-assets: mended: {key}" for key in self.ended]


def news(told: Collection[str], problems: Sequence[Problem]) -> News:
    """Compare problems with those that were told.

    Parameters
    ----------
    told
        Keys of the problems that were told.
    problems
        Those of now.
    """
    keys = {problem.key for problem in problems}
    begun = tuple(problem for problem in problems if problem.key not in told)
    return News(begun, tuple(sorted(set(told) - keys)))


def read_told(cursor: str | None) -> frozenset[str]:
    """Keys of the problems that were told, as :func:`write_told` wrote them; else none."""
    try:
        told = json.loads(cursor or "{}")
    except ValueError:
        return frozenset()
    keys = told.get("told") if isinstance(told, dict) else None
    return frozenset(map(str, keys)) if isinstance(keys, list) else frozenset()


def write_told(keys: Iterable[str]) -> str:
    """The cursor that :func:`read_told` reads."""
    return json.dumps({"told": sorted(keys)})
