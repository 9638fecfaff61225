"""The jobs: a job cannot mix partitions definitions, and what may fail apart is apart."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from audio_assets.assets.plan import AssetPlan

INVENTORY = "inventory"
ENCODERS = "encoders"
DUPLICATES = "duplicates"
SPLITS = "splits"
EXPERIMENT = "experiment"
CHARTS = "charts"
CHECKS = "checks"
REPORT = "report"


def build_jobs(plan: AssetPlan) -> Sequence[Any]:
    """Jobs in the order in which they feed one another."""
    return [
        dg.define_asset_job(
            INVENTORY,
            ["audio_inventory"],
            description="List the audio of a species.",
        ),
        dg.define_asset_job(
            DUPLICATES,
            ["duplicate_encoder"],
            description="Identify the encoder that tells near-duplicate clips.",
        ),
        dg.define_asset_job(
            SPLITS,
            ["clip_digests", "near_duplicates", "balanced_manifest"],
            description="Find the near-duplicate clips of a species and plan its splits.",
        ),
        dg.define_asset_job(
            ENCODERS,
            ["encoder_card"],
            description="Identify the encoder of a model.",
        ),
        dg.define_asset_job(
            EXPERIMENT,
            list(plan.experiment_assets),
            description="Embed, cross-validate and summarise one species with one model.",
        ),
        dg.define_asset_job(
            CHARTS,
            ["roc_auc_chart", "model_comparison", "quarantine"],
            description="Draw and compare the models of a species.",
        ),
        dg.define_asset_job(
            CHECKS,
            ["clip_properties", "findings", "calibration"],
            description="Look for what would put the numbers of a species in doubt.",
        ),
        dg.define_asset_job(
            REPORT,
            ["experiment_report"],
            description="Write the shared CSV files and the report.",
        ),
    ]
