"""Queries of the graph that the rows of stages and jobs make up.

The rows themselves belong in :mod:`audio_assets.pipeline.stages`.
"""

from __future__ import annotations

from collections.abc import Iterator

from audio_assets.pipeline.stages import STAGES, Per, Stage


def made_together(stage: str) -> frozenset[str]:
    """Stages that the op of a stage makes besides it."""
    maker = STAGES[stage].made_by or stage
    group = {name for name, other in STAGES.items() if maker in (name, other.made_by)}
    return frozenset(group - {stage})


def fans_in(upstream: str, stage: str) -> bool:
    """Return whether a partition of a stage is made from several partitions of an upstream one."""
    many = {Per.ALL: set(Per) - {Per.ALL}, Per.SPECIES: {Per.SPECIES_AND_MODEL, Per.MODEL}}
    return STAGES[upstream].per in many.get(STAGES[stage].per, set())


def behind(stage: str) -> frozenset[str]:
    """Stages that a stage is made from, directly or through others."""
    inputs = frozenset(STAGES[stage].inputs)
    return inputs.union(*(behind(name) for name in inputs))


def lineage_of_curves() -> Iterator[Stage]:
    """Stages whose code and settings decide the numbers of a learning curve, itself included.

    Stages that identify an encoder are left out: its fingerprint is in every row.
    """
    names = behind("learning_curve") | {"learning_curve"}
    for stage in STAGES.values():
        if stage.name in names and not stage.reads_outside and not stage.made_by:
            yield stage


def required_jobs(job: str) -> frozenset[str]:
    """Jobs without whose success a job cannot run."""
    return _jobs_of(name for stage in _stages_in(job) for name in stage.needs) - {job}


def awaited_jobs(job: str) -> frozenset[str]:
    """Jobs that a job waits for, and runs after whatever has become of them."""
    awaited = _jobs_of(name for stage in _stages_in(job) for name in stage.takes)
    return awaited - required_jobs(job) - {job}


def jobs_behind(job: str) -> frozenset[str]:
    """Jobs that a job is built on, directly or through others."""
    direct = required_jobs(job) | awaited_jobs(job)
    return direct.union(*(jobs_behind(name) for name in direct))


def _stages_in(job: str) -> list[Stage]:
    return [stage for stage in STAGES.values() if stage.job == job]


def _jobs_of(names: Iterator[str]) -> frozenset[str]:
    return frozenset(STAGES[name].job for name in names)
