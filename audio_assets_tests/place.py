"""The whole pipeline in a folder of its own: an audio root, a results root and an instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from upath import UPath

from audio_assets.automation.local_runner import LocalRunner, RunSummary
from audio_assets.cli.status import Standing, standings_of
from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness
from audio_assets.results.layout import ResultsLayout
from audio_assets.settings import load_settings


@dataclass(frozen=True)
class Place:
    """An audio root, a results root and an instance of their own."""

    audio: Path
    results: ResultsLayout
    instance: dg.DagsterInstance

    def plan(self, **changes: Any) -> AssetPlan:
        """Settings of a small experiment with the placeholder encoder, with changes.

        A change to None leaves a setting at its default.
        """
        given: dict[str, Any] = {
            "audio_root": str(self.audio),
            "results_root": str(self.results.root),
            "models": ("placeholder",),
            "training_sizes": (0, 4, 8),
            "folds": 3,
            "repeats": 2,
            # BirdNET would cost more than all the rest.
            "duplicate_encoder": "",
            "species_classes": {"owl": {"placeholder": ["placeholder_a"]}},
            **changes,
        }
        settings = load_settings(**{key: one for key, one in given.items() if one is not None})
        return AssetPlan(settings, build_partitions(settings))

    def run(self, *species: str, **changes: Any) -> RunSummary:
        """Bring these species up to date."""
        plan = self.plan(**changes)
        runner = LocalRunner(build_defs(plan.settings), plan, self.instance)
        return runner.bring_up_to_date(species, plan.settings.models)

    def status(self, *species: str, **changes: Any) -> list[Standing]:
        """How these species and the models stand now."""
        plan = self.plan(**changes)
        graph = build_defs(plan.settings).resolve_asset_graph()
        staleness = Staleness(graph, plan.roots, self.instance, of_all=True)
        return standings_of(plan, self.instance, list(species), staleness)


@contextmanager
def new_place(folder: Path) -> Iterator[Place]:
    """A place with an empty audio root."""
    audio = folder / "audio"
    audio.mkdir(parents=True)
    # In memory: on disk, recording the events of a run costs several times the run itself.
    with dg.DagsterInstance.ephemeral() as instance:
        yield Place(audio, ResultsLayout(UPath(folder / "results")), instance)
