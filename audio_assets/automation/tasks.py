"""The partitions to keep fresh: one task per partition and job, each with its inputs.

Everything derives from :mod:`audio_assets.pipeline.stages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dagster as dg

from audio_assets.automation.decisions import Inputs, Task
from audio_assets.pipeline.partitions import SPECIES, partition_key, split_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stage_graph import awaited_jobs, jobs_behind, required_jobs
from audio_assets.pipeline.stages import JOBS, Per

_PER_SPECIES = (Per.SPECIES, Per.SPECIES_AND_MODEL)


JOBS_OF_MODELS = frozenset(job for job, row in JOBS.items() if row.per is Per.MODEL)
"""Jobs whose partitions are models, whatever the species."""


def species_of(task: Task) -> str:
    """Return the species of a task; empty if it concerns none, or all."""
    return "" if task.job in JOBS_OF_MODELS else task.partition.rpartition("|")[2]


def species_to_keep(plan: AssetPlan, instance: dg.DagsterInstance) -> list[str]:
    """Return the species partitions selected by the settings, sorted."""
    known = set(instance.get_dynamic_partitions(SPECIES.name or ""))
    return sorted(known & set(plan.settings.species) if plan.settings.species else known)


def all_tasks(
    plan: AssetPlan, species: Sequence[str], models: Sequence[str] | None = None
) -> dict[Task, Inputs]:
    """Return the tasks of these species and models, in the order of the data flow.

    Parameters
    ----------
    models
        Models; by default those of the settings that are installed.
    """
    models = plan.models.available() if models is None else models
    tasks: dict[Task, Inputs] = {}

    def add(job: str, names: Sequence[str]) -> None:
        for partition in _partitions(job, names, models):
            tasks[Task(job, partition)] = Inputs(
                required=_upstream(required_jobs(job), partition, species, models),
                awaited=_upstream(awaited_jobs(job), partition, species, models),
            )

    for job in JOBS:
        if not _is_of_species(job):
            add(job, ())
    for name in species:
        for job in JOBS:
            if JOBS[job].per in _PER_SPECIES:
                add(job, (name,))
    # A report without species would only have to be made again with the first one.
    for job in JOBS if species else ():
        if _is_of_species(job) and JOBS[job].per not in _PER_SPECIES:
            add(job, ())
    return tasks


def _is_of_species(job: str) -> bool:
    """Return whether a job, or a job upstream of it, has one partition per species."""
    return any(JOBS[name].per in _PER_SPECIES for name in (job, *jobs_behind(job)))


def _partitions(job: str, species: Sequence[str], models: Sequence[str]) -> list[str]:
    match JOBS[job].per:
        case Per.ALL:
            return [""]
        case Per.MODEL:
            return list(models)
        case Per.SPECIES:
            return list(species)
        case Per.SPECIES_AND_MODEL:
            return [partition_key(model, name) for name in species for model in models]


def _upstream(
    jobs: Iterable[str], partition: str, species: Sequence[str], models: Sequence[str]
) -> tuple[Task, ...]:
    """Return the tasks of these jobs upstream of a partition."""
    if "|" in partition:
        model, name = split_key(partition)
        species, models = [name], [model]
    elif partition:
        species = [partition]
    found = [
        Task(job, one) for job in JOBS if job in jobs for one in _partitions(job, species, models)
    ]
    return tuple(found)
