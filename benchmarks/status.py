"""CPU time of ``audio-assets status`` over many species and models.

Species and models are made up: real inventories of small files, learning curves and findings, all
recorded as fresh. Three of the seven models have the placeholder encoder under other names, since
they stand for models whose weights are not here. Imports are done before the clock starts.

    python -m benchmarks.status [--species 50] [--models 7] [--clips 100]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pandas as pd

from audio_assets.automation.health import examine_health
from audio_assets.catalog.inventory import inventory_version
from audio_assets.cli.status import standings_of
from audio_assets.definitions import build_defs
from audio_assets.models import registry
from audio_assets.pipeline.partitions import SPECIES, build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import take_inventory
from audio_assets.pipeline.staleness import Staleness
from audio_assets.results.parquet import write_table
from audio_assets.settings import load_settings
from audio_assets.tables import AUDIO_INVENTORY, FINDINGS, LEARNING_CURVE
from audio_assets_tests.reporting.fake_results import curve_frame, model_curve
from benchmarks.machine import processor
from benchmarks.sensor_tick import MODELS, remember, write_audio


def add_models(number: int) -> tuple[str, ...]:
    """So many models whose weights are here; those that are too few are made of the placeholder."""
    names = MODELS[:number]
    spec = registry.get_model("placeholder")
    for extra in range(number - len(names)):
        name = f"placeholder_{extra}"
        registry._registry().models[name] = replace(spec, name=name)
        names += (name,)
    return names


def publish(plan: AssetPlan, species: list[str]) -> dict[str, str]:
    """Write what the status reads; the data version of each inventory."""
    versions = {}
    for name in species:
        inventory, _ = take_inventory(plan.roots, plan.settings.recording_patterns, name)
        versions[name] = inventory_version(inventory)
        write_table(plan.roots.results.table("audio_inventory", name), inventory, AUDIO_INVENTORY)
        findings = pd.DataFrame(columns=list(FINDINGS.column_names))
        write_table(plan.roots.results.table("findings", name), findings, FINDINGS)
        for model in plan.settings.models:
            rows = [
                row | {"model": model, "split_plan": "one"} for row in model_curve(name, "birdnet")
            ]
            write_table(
                plan.roots.results.table("learning_curve", model, name),
                curve_frame(rows),
                LEARNING_CURVE,
            )
    return versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--species", type=int, default=50)
    parser.add_argument("--models", type=int, default=7)
    parser.add_argument("--clips", type=int, default=100, help="per species")
    options = parser.parse_args()
    print(processor())
    species = [f"species_{number:03d}" for number in range(options.species)]
    models = add_models(options.models)
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder, "audio"), species, options.clips * options.species)
        # Until files are settled, they are read again at each look.
        time.sleep(2.5)
        settings = load_settings(
            audio_root=f"{folder}/audio",
            results_root=f"{folder}/results",
            models=models,
            duplicate_encoder="",
        )
        plan = AssetPlan(settings, build_partitions(settings))
        with dg.DagsterInstance.local_temp(folder) as instance:
            instance.add_dynamic_partitions(SPECIES.name or "", species)
            versions = publish(plan, species)
            defs = build_defs(settings)
            remember(defs, plan, instance, versions)
            wall, cpu = time.perf_counter(), time.process_time()
            staleness = Staleness(defs.resolve_asset_graph(), plan.roots, instance, of_all=True)
            rows = standings_of(plan, instance, species, staleness)
            health = examine_health(plan, instance, staleness)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    states = pd.Series([row.state for row in rows]).value_counts().to_dict()
    print(f"{len(rows)} cells: {cpu:.1f} CPU s, {wall:.1f} s; {states}")
    print(f"{len(health.problems)} problems")


if __name__ == "__main__":
    main()
