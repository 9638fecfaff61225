"""Bringing everything up to date on this machine: what is stale is materialized, in order.

One Dagster run a partition and job, in this process, recorded in the instance like any other run.
A partition that fails stops what is built on it and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from audio_assets.errors import AudioAssetsError
from audio_assets.pipeline import stages
from audio_assets.pipeline.partitions import SPECIES, partition_key, split_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import (
    Probe,
    duplicate_encoder_probe,
    encoder_probe,
    inventory_probe,
)
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.tables import BALANCED_MANIFEST


@dataclass
class RunSummary:
    """What :func:`bring_up_to_date` did.

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
    """

    defs: dg.Definitions
    plan: AssetPlan
    instance: dg.DagsterInstance

    def bring_up_to_date(self, species: Sequence[str], models: Sequence[str]) -> RunSummary:
        """Materialize what is stale or missing for these species and models.

        The report covers all species of the instance, whatever was asked for; of the others the
        audio is listed, so that it shows no results of audio that has changed.
        """
        summary = RunSummary()
        self.instance.add_dynamic_partitions(SPECIES.name or "", list(species))
        inventory = inventory_probe(self.plan, renew=True)
        card = encoder_probe(self.plan)
        usable_species = [
            name for name in species if self._update(stages.INVENTORY, name, summary, inventory)
        ]
        for name in self.instance.get_dynamic_partitions(SPECIES.name or ""):
            if name not in species:
                self._update(stages.INVENTORY, name, summary, inventory)
        # Without it no species can be split.
        splits = self._update(stages.DUPLICATES, None, summary, duplicate_encoder_probe(self.plan))
        usable_models = [
            name for name in models if self._update(stages.ENCODERS, name, summary, card)
        ]
        for name in usable_species:
            if splits and self._update(stages.SPLITS, name, summary):
                for model in usable_models:
                    self._update(stages.EXPERIMENT, partition_key(model, name), summary)
                self._update(stages.CHARTS, name, summary)
                self._update(stages.CHECKS, name, summary)
            elif self._staleness().state(BALANCED_MANIFEST.name, name) is not State.MISSING:
                # There are earlier splits: the chart must show no results of them.
                self._update(stages.CHARTS, name, summary)
        self._update(stages.REPORT, None, summary)
        return summary

    def _update(
        self, job: str, partition: str | None, summary: RunSummary, probe: Probe | None = None
    ) -> bool:
        """Whether the partition of the job's assets is fresh in the end."""
        assets = stages.stages_of_job(job, self.plan.settings)
        while True:
            try:
                selection = self._staleness().due(assets, partition, probe)
            except AudioAssetsError as error:
                # The run meets the fault too, unless it has passed: so the instance knows of it,
                # and with it the status.
                if probe is not None and self._run(job, partition, [probe.asset]) is None:
                    probe = None
                    continue
                summary.failures[_name(job, partition)] = str(error)
                return False
            if not selection:
                return True
            reason = self._run(job, partition, selection)
            probe = None
            if reason is not None:
                summary.failures[_name(job, partition)] = reason
                return False
            summary.materialized += [(asset, partition) for asset in selection]

    def _staleness(self) -> Staleness:
        return Staleness(self.defs.resolve_asset_graph(), self.plan, self.instance)

    def _run(self, job: str, partition: str | None, selection: list[str]) -> str | None:
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
