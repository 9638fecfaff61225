"""Count the steps of a run and estimate the time left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from audio_assets.automation.decisions import Task
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.stages import (
    ANSWERS,
    CHARTS,
    CHECKS,
    DUPLICATES,
    ENCODERS,
    EXPERIMENT,
    INVENTORY,
    JOBS,
    REPORT,
    SPLITS,
    Per,
)

SHARES: Mapping[str, float] = MappingProxyType(
    {
        INVENTORY: 1,
        DUPLICATES: 1,
        ENCODERS: 1,
        SPLITS: 8,
        EXPERIMENT: 6,
        CHARTS: 3,
        CHECKS: 3,
        ANSWERS: 1,
        REPORT: 2,
    }
)
"""Seconds of one step of each job in the demo on two cores.

Only their ratios are used, and only for kinds of steps of which none has ended yet.
"""


@dataclass(frozen=True)
class Kind:
    """Steps that take about equally long: those of a job, and of a model if it has models."""

    job: str
    model: str = ""


@dataclass(frozen=True)
class Step:
    """One step as it begins.

    Attributes
    ----------
    number, total
        Its number from 1, and the number of steps; tasks that turn out to be fresh lower the total.
    seconds_left
        Estimate for this and all later steps; None before the first has ended.
    title
        What it does, in words.
    """

    number: int
    total: int
    seconds_left: float | None
    title: str


def kind_of(task: Task) -> Kind:
    """Return the kind of a task's step."""
    has_model = JOBS[task.job].per is Per.SPECIES_AND_MODEL
    return Kind(task.job, split_key(task.partition)[0] if has_model else "")


def title_of(task: Task) -> str:
    """Return what a task does, in words with the names of its model and species."""
    job = JOBS[task.job]
    if job.per is Per.SPECIES_AND_MODEL:
        model, species = split_key(task.partition)
        return job.step.format(model=model, species=species)
    return job.step.format(model=task.partition, species=task.partition)


class StepCounter:
    """Numbers steps and reports each as it begins.

    Parameters
    ----------
    report
        Called with each step as it begins.
    clock
        Returns seconds.
    """

    def __init__(
        self,
        report: Callable[[Step], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._clock = clock
        self._seconds: dict[Kind, list[float]] = defaultdict(list)
        self._ahead: list[Kind] = []

    def plan(self, ahead: Iterable[Kind]) -> None:
        """Set the steps that are left."""
        self._ahead = list(ahead)

    @contextmanager
    def step(self, kind: Kind, title: str) -> Iterator[None]:
        """Report one of the planned steps, and time it."""
        done = sum(map(len, self._seconds.values()))
        self._report(Step(done + 1, done + len(self._ahead), self._left(), title))
        started = self._clock()
        yield
        self._seconds[kind].append(self._clock() - started)
        self._ahead.remove(kind)

    def _left(self) -> float | None:
        """Estimate the seconds left: the mean of ended steps of a kind, else its scaled share."""
        ended = [(kind, one) for kind, all_of in self._seconds.items() for one in all_of]
        shares = sum(SHARES[kind.job] for kind, _ in ended if kind.job in SHARES)
        if not shares:
            return None
        scale = sum(one for kind, one in ended if kind.job in SHARES) / shares
        return sum(self._estimate(kind, scale) for kind in self._ahead)

    def _estimate(self, kind: Kind, scale: float) -> float:
        known = self._seconds.get(kind)
        return sum(known) / len(known) if known else SHARES[kind.job] * scale
