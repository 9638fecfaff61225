"""Bring everything up to date on this machine: materialize what is stale, in order.

It loops the same decision as the sensor. There is one Dagster run per partition and job, in this
process, recorded in the instance like any other run. A partition that fails stops what is built on
it and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from audio_assets.automation.decisions import (
    ATTEMPTS,
    History,
    Standing,
    Task,
    Work,
    decide,
)
from audio_assets.automation.steps import StepCounter, kind_of, title_of
from audio_assets.automation.tasks import all_tasks, species_of
from audio_assets.automation.work import work_of
from audio_assets.errors import TransientStorageError
from audio_assets.pipeline.partitions import SPECIES, split_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import duplicate_encoder_probe, encoder_probe, inventory_probe
from audio_assets.pipeline.stages import DUPLICATES, ENCODERS, INVENTORY, stages_of_job
from audio_assets.pipeline.staleness import Staleness


@dataclass
class RunSummary:
    """Result of :func:`bring_up_to_date`.

    Attributes
    ----------
    materialized
        ``(asset, partition)`` in order.
    failures
        Partition to reason, for what failed or could not be tried.
    """

    materialized: list[tuple[str, str | None]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LocalRunner:
    """Materializes partitions in this process.

    Attributes
    ----------
    defs, plan
        From :func:`audio_assets.definitions.build_defs` and what it was built from.
    instance
        Where runs are recorded.
    steps
        Counts the runs.
    """

    defs: dg.Definitions
    plan: AssetPlan
    instance: dg.DagsterInstance
    steps: StepCounter = field(default_factory=StepCounter)

    def bring_up_to_date(self, species: Sequence[str], models: Sequence[str]) -> RunSummary:
        """Materialize what is stale or missing for these species and models.

        The report covers all species of the instance, whatever was asked for; the audio of the
        others is listed, so that it shows no results of audio that has changed.
        """
        summary = RunSummary()
        self.instance.add_dynamic_partitions(SPECIES.name or "", list(species))
        known = sorted(self.instance.get_dynamic_partitions(SPECIES.name or ""))
        tasks = {
            task: inputs
            for task, inputs in all_tasks(self.plan, known, models).items()
            if task.job == INVENTORY or species_of(task) in {"", *species}
        }
        probes = {
            INVENTORY: inventory_probe(
                self.plan.roots, self.plan.settings.recording_patterns, renew=True
            ),
            DUPLICATES: duplicate_encoder_probe(self.plan.settings, self.plan.patience),
            ENCODERS: encoder_probe(self.plan.models),
        }
        # What was found to be fresh is not looked at again outside: a listing takes its time.
        looked_at: set[Task] = set()
        failed: dict[str, Work] = {}

        def work(task: Task) -> Work | None:
            if str(task) in failed:
                return failed[str(task)]
            probe = None if task in looked_at else probes.get(task.job)
            looked_at.add(task)
            try:
                found = work_of(self.plan, staleness, task, probe)
            except TransientStorageError:
                # The run meets the fault too, unless it has passed: so the instance knows of it,
                # and with it the status.
                found = Work(stages_of_job(task.job, self.plan.settings)[:1], "")
            return found and Work(found.assets, str(task))

        def history(todo: Work) -> History:
            # Here a failure is not tried again; somebody waits for the end.
            return (
                History(failures=ATTEMPTS, last_end=now) if todo.signature in failed else History()
            )

        while True:
            now = time.time()
            staleness = Staleness(
                self.defs.resolve_asset_graph(), self.plan.roots, self.instance, of_all=True
            )
            decision = decide(tasks, running=(), work=work, history=history, now=now)
            if not decision.due:
                return summary
            self.steps.plan(map(kind_of, [*decision.due, *decision.of(Standing.WAITING)]))
            # None of them is built on another: all they are built on has come to rest.
            for task, (todo, _) in decision.due.items():
                with self.steps.step(kind_of(task), title_of(task)):
                    reason = self._run(task.job, task.partition or None, todo.assets)
                if reason is None:
                    summary.materialized += [(one, task.partition or None) for one in todo.assets]
                else:
                    failed[str(task)] = todo
                    summary.failures[_name(task.job, task.partition or None)] = reason

    def _run(self, job: str, partition: str | None, selection: Sequence[str]) -> str | None:
        """Reason of the failure, or None."""
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey(asset) for asset in selection],
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        return None if result.success else _reason(result)


def _name(job: str, partition: str | None) -> str:
    if partition is None:
        return job
    if "|" in partition:
        model, species = split_key(partition)
        return f"{species}, {model}"
    return f"{partition}, {job}"


def _reason(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            error = failure.error
            while error.cause is not None:
                error = error.cause
            return str(error.message).strip()
    for event in result.all_events:
        if event.is_run_failure:
            return str(event.message)
    return "the run failed without a reason; see its log in the Dagster UI"
