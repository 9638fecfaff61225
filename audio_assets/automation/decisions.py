"""Decide what to run next from stale, running and failed tasks.

Each decision is based on current states only, so nothing that happens between two decisions is
lost. A task waits until its inputs have settled, so that it runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ATTEMPTS = 3
"""Consecutive failures after which a piece of work is given up."""

_WAIT_FACTOR = 10.0


@dataclass(frozen=True, order=True)
class Task:
    """A partition of a job; the partition is empty for a job without partitions."""

    job: str
    partition: str = ""

    def __str__(self) -> str:
        return f"{self.job} {self.partition}".strip()


@dataclass(frozen=True)
class Inputs:
    """The tasks on which a task depends.

    Attributes
    ----------
    required
        Tasks without which it cannot run.
    awaited
        Tasks whose results it uses as far as they exist, even if some have failed.
    """

    required: tuple[Task, ...] = ()
    awaited: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Work:
    """The part of a task that has to be done.

    Attributes
    ----------
    assets
        Assets to materialize.
    signature
        Equal for equal code and inputs.
    """

    assets: tuple[str, ...]
    signature: str


@dataclass(frozen=True)
class History:
    """Earlier runs of equal work.

    Attributes
    ----------
    newest
        Id of the newest run; empty without any.
    failures
        Runs that failed or were cancelled since the last one that was not.
    last_end
        End of the newest run, in seconds since the epoch.
    """

    newest: str = ""
    failures: int = 0
    last_end: float = 0.0


@dataclass(frozen=True)
class Retries:
    """The schedule of retries of failed work.

    Attributes
    ----------
    first_wait
        Seconds after the first failure; each further wait is ten times as long.
    given_up
        Seconds for which work is given up after :data:`ATTEMPTS` failures in a row. It is then
        retried once, and again after the same time.
    """

    first_wait: float = 60.0
    given_up: float = 86_400.0

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after this many failures in a row."""
        if failures >= ATTEMPTS:
            return self.given_up
        return self.first_wait * _WAIT_FACTOR ** (failures - 1)


DEFAULT_RETRIES = Retries()


class Standing(StrEnum):
    """The state of a task."""

    FRESH = "fresh"
    RUNNING = "running"
    DUE = "due"
    WAITING = "waiting for what it is built on"
    RETRYING = "waiting to be retried"
    FAILED = "given up"
    REFUSED = "waiting for access to its audio"
    BLOCKED = "built on something that failed"


# A task that will be retried does not delay tasks that merely await it; these then run twice.
_AT_REST = {
    Standing.FRESH,
    Standing.RETRYING,
    Standing.FAILED,
    Standing.REFUSED,
    Standing.BLOCKED,
}


@dataclass(frozen=True)
class Decision:
    """The state of each task, and the work of those that are due."""

    standings: Mapping[Task, Standing]
    due: Mapping[Task, tuple[Work, History]]

    def of(self, standing: Standing) -> tuple[Task, ...]:
        """Return the tasks in this state."""
        return tuple(task for task, found in self.standings.items() if found is standing)


def decide(
    tasks: Mapping[Task, Inputs],
    *,
    running: Collection[Task],
    work: Callable[[Task], Work | None],
    history: Callable[[Work], History],
    now: float,
    retries: Retries = DEFAULT_RETRIES,
    refused: Callable[[Task], bool] = lambda _: False,
) -> Decision:
    """Decide on every task.

    Parameters
    ----------
    tasks
        Tasks in the order of the data flow. An input that is not among them counts as fresh.
    running
        Tasks with a run that is queued or in progress.
    work
        Returns the stale part of a task, or None. Called only once all inputs have settled.
    history
        Returns the earlier runs of a piece of work.
    now
        Seconds since the epoch.
    retries
        Schedule of retries.
    refused
        Returns whether access to the audio of a task is refused now. Called only for work that
        failed before, because a retry would use up its attempts.
    """
    standings: dict[Task, Standing] = {}
    due: dict[Task, tuple[Work, History]] = {}

    def standings_of(inputs: Sequence[Task]) -> set[Standing]:
        return {standings[one] for one in inputs if one in standings}

    for task, inputs in tasks.items():
        required, awaited = standings_of(inputs.required), standings_of(inputs.awaited)
        if task in running:
            standings[task] = Standing.RUNNING
        elif not required | awaited <= _AT_REST:
            standings[task] = Standing.WAITING
        elif required - {Standing.FRESH}:
            standings[task] = Standing.BLOCKED
        elif (todo := work(task)) is None:
            standings[task] = Standing.FRESH
        else:
            past = history(todo)
            waits = past.failures and now < past.last_end + retries.wait(past.failures)
            if waits and past.failures >= ATTEMPTS:
                standings[task] = Standing.FAILED
            elif waits:
                standings[task] = Standing.RETRYING
            elif past.failures and refused(task):
                standings[task] = Standing.REFUSED
            else:
                standings[task] = Standing.DUE
                due[task] = (todo, past)
    return Decision(standings, due)
