"""The jobs: a job cannot mix partitions definitions, and what may fail apart is apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.plan import AssetPlan

INVENTORY = "inventory"
ENCODERS = "encoders"
DUPLICATES = "duplicates"
SPLITS = "splits"
EXPERIMENT = "experiment"
CHARTS = "charts"
CHECKS = "checks"
REPORT = "report"


@dataclass(frozen=True)
class JobPlan:
    """What a job materializes.

    Attributes
    ----------
    assets
        In the order of the data flow.
    partitions
        Of all its assets.
    """

    assets: tuple[str, ...]
    description: str
    partitions: dg.PartitionsDefinition[Any] | None = None


def job_plans(plan: AssetPlan) -> Mapping[str, JobPlan]:
    """The jobs by name, in the order in which they feed one another."""
    return {
        INVENTORY: JobPlan(("audio_inventory",), "List the audio of a species.", SPECIES),
        DUPLICATES: JobPlan(
            ("duplicate_encoder",), "Identify the encoder that tells near-duplicate clips."
        ),
        SPLITS: JobPlan(
            ("clip_digests", "near_duplicates", "balanced_manifest"),
            "Find the near-duplicate clips of a species and plan its splits.",
            SPECIES,
        ),
        ENCODERS: JobPlan(
            ("encoder_card",), "Identify the encoder of a model.", plan.partitions.models
        ),
        EXPERIMENT: JobPlan(
            plan.experiment_assets,
            "Embed, cross-validate and summarise one species with one model.",
            plan.partitions.species_by_model,
        ),
        CHARTS: JobPlan(
            ("roc_auc_chart", "model_comparison", "quarantine"),
            "Draw and compare the models of a species.",
            SPECIES,
        ),
        CHECKS: JobPlan(
            ("clip_properties", "findings", "calibration", "hard_clips", "embedding_map"),
            "Look for what would put the numbers of a species in doubt.",
            SPECIES,
        ),
        REPORT: JobPlan(("experiment_report",), "Write the shared CSV files and the report."),
    }


def build_jobs(plan: AssetPlan) -> Mapping[str, Any]:
    """Jobs by name, in the order in which they feed one another."""
    as_json = {"loggers": {"json": {"config": {"log_level": "INFO"}}}}
    config = as_json if plan.settings.log_format == "json" else None
    return {
        name: dg.define_asset_job(
            name, list(job.assets), description=job.description, config=config
        )
        for name, job in job_plans(plan).items()
    }
