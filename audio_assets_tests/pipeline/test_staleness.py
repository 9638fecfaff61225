"""What is stale, on a real instance; the pipeline's own cases are in test_pipeline.py."""

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG, CachingStaleStatusResolver

from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import SPECIES, build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stages import REPORT
from audio_assets.pipeline.staleness import Staleness, State, _Loading
from audio_assets.settings import load_settings

UPSTREAM = ("audio_inventory", "near_duplicates", "roc_auc_chart", "model_comparison", "quarantine")


def report_version(instance: dg.DagsterInstance, asset: str, species: str, version: str) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset, partition=species, tags={DATA_VERSION_TAG: version})
    )


@pytest.mark.parametrize("count", [3, pytest.param(101, marks=pytest.mark.slow)])
def test_a_report_notices_one_changed_species_among_any_number(tmp_path, count):
    settings = load_settings(
        audio_root=str(tmp_path),
        results_root=str(tmp_path / "results"),
        models=("placeholder",),
        duplicate_encoder="",
    )
    plan = AssetPlan(settings, build_partitions(settings))
    defs = build_defs(settings)
    species = [f"s{number}" for number in range(count)]
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(SPECIES.name, species)
        for asset in UPSTREAM:
            for name in species:
                report_version(instance, asset, name, "one")
        report = defs.resolve_job_def(REPORT)
        assert report.execute_in_process(instance=instance).success

        def state() -> State:
            return Staleness(defs.resolve_asset_graph(), plan.roots, instance).state(
                "experiment_report", None
            )

        assert state() is State.FRESH
        report_version(instance, "roc_auc_chart", species[1], "one")
        assert state() is State.FRESH
        report_version(instance, "roc_auc_chart", species[1], "two")
        assert state() is State.STALE
        report_version(instance, "roc_auc_chart", species[1], "one")
        assert state() is State.FRESH

        report_version(instance, "quarantine", species[-1], "two")
        assert state() is State.STALE
        if count > 100:
            # Why the resolver is extended; when this fails, Dagster's own will do.
            theirs = CachingStaleStatusResolver(
                instance, defs.resolve_asset_graph(), _Loading(instance)
            )
            assert theirs.get_status(dg.AssetKey("experiment_report")).name == "FRESH"
