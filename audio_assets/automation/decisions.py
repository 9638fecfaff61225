"""What to run next: from what is stale, what is running and what has failed.

The decision is made anew at every look, from states alone, so nothing that happens between two
looks is lost. A task waits until what it is built on has come to rest, so that it runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ATTEMPTS = 3
"""Failures in a row after which a piece of work is given up."""

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
    """Tasks that a task is built on.

    Attributes
    ----------
    required
        Without these it cannot run.
    awaited
        It takes what these have made, also if some have failed.
    """

    required: tuple[Task, ...] = ()
    awaited: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Work:
    """What of a task is to be done.

    Attributes
    ----------
    assets
        To be materialized.
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
        Id of the newest of them; empty without any.
    failures
        Those that failed or were cancelled since the last that was not.
    last_end
        When the newest of them ended, in seconds since the epoch.
    """

    newest: str = ""
    failures: int = 0
    last_end: float = 0.0


@dataclass(frozen=True)
class Retries:
    """When failed work is tried again.

    Attributes
    ----------
    first_wait
        Seconds after the first failure; each further wait is ten times as long.
    given_up
        Seconds for which work is given up that failed :data:`ATTEMPTS` times in a row. It is then
        tried once more, and again after as long.
    """

    first_wait: float = 60.0
    given_up: float = 86_400.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        if failures >= ATTEMPTS:
            return self.given_up
        return self.first_wait * _WAIT_FACTOR ** (failures - 1)


DEFAULT_RETRIES = Retries()


class Standing(StrEnum):
    """How a task stands."""

    FRESH = "fresh"
    RUNNING = "running"
    DUE = "due"
    WAITING = "waiting for what it is built on"
    RETRYING = "waiting to be retried"
    FAILED = "given up"
    REFUSED = "waiting for access to its audio"
    BLOCKED = "built on something that failed"


# One that is tried again later does not hold up what only awaits it: that is made twice, then.
_AT_REST = {
    Standing.FRESH,
    Standing.RETRYING,
    Standing.FAILED,
    Standing.REFUSED,
    Standing.BLOCKED,
}


@dataclass(frozen=True)
class Decision:
    """How the tasks stand, and the work of those that are due."""

    standings: Mapping[Task, Standing]
    due: Mapping[Task, tuple[Work, History]]

    def of(self, standing: Standing) -> tuple[Task, ...]:
        """Tasks that stand so."""
        return tuple(task for task, its in self.standings.items() if its is standing)


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
        In the order of the data flow. An input that is not among them counts as fresh.
    running
        Tasks with a run that is queued or going on.
    work
        What of a task is stale, or None. Asked only when all that the task is built on is at rest.
    history
        Earlier runs of a piece of work.
    now
        Seconds since the epoch.
    retries
        When failed work is tried again.
    refused
        Whether access to the audio of a task is refused now. Asked only about work that failed
        before: trying it again would use up its attempts.
    """
    standings: dict[Task, Standing] = {}
    due: dict[Task, tuple[Work, History]] = {}

    def stands(inputs: Sequence[Task]) -> set[Standing]:
        return {standings[one] for one in inputs if one in standings}

    for task, inputs in tasks.items():
        required, awaited = stands(inputs.required), stands(inputs.awaited)
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
