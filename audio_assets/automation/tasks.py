"""What there is to keep fresh: a task a partition and job, and what each is built on."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from audio_assets.automation.decisions import Inputs, Task
from audio_assets.pipeline import jobs
from audio_assets.pipeline.partitions import SPECIES, partition_key
from audio_assets.pipeline.plan import AssetPlan


def species_to_keep(plan: AssetPlan, instance: dg.DagsterInstance) -> list[str]:
    """Species partitions that the settings want, sorted."""
    known = set(instance.get_dynamic_partitions(SPECIES.name or ""))
    return sorted(known & set(plan.settings.species) if plan.settings.species else known)


def all_tasks(plan: AssetPlan, species: Sequence[str]) -> dict[Task, Inputs]:
    """The tasks of these species and of the models of the settings, in the order of the data."""
    duplicates = Task(jobs.DUPLICATES)
    tasks: dict[Task, Inputs] = {duplicates: Inputs()}
    models = plan.settings.models
    tasks |= {Task(jobs.ENCODERS, model): Inputs() for model in models}
    shown: list[Task] = []
    for name in species:
        inventory, splits = Task(jobs.INVENTORY, name), Task(jobs.SPLITS, name)
        experiments = {
            Task(jobs.EXPERIMENT, partition_key(model, name)): Inputs(
                required=(splits, Task(jobs.ENCODERS, model))
            )
            for model in models
        }
        over_models = tuple(experiments)
        tasks |= {inventory: Inputs(), splits: Inputs(required=(inventory, duplicates))}
        tasks |= experiments
        # Splits that fail make the chart lose what they leave outdated.
        tasks[Task(jobs.CHARTS, name)] = Inputs((inventory,), awaited=(splits, *over_models))
        tasks[Task(jobs.CHECKS, name)] = Inputs((splits,), awaited=over_models)
        shown += [inventory, splits, Task(jobs.CHARTS, name), Task(jobs.CHECKS, name)]
    if shown:
        # A report on no species would only be made anew with the first.
        tasks[Task(jobs.REPORT)] = Inputs(awaited=tuple(shown))
    return tasks
