"""Sensors ticked as the daemon ticks them, on a real instance, with their runs in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context

from audio_assets.definitions import build_defs
from audio_assets.pipeline.stages import STAGES
from audio_assets_tests.place import Place
from audio_assets_tests.small_audio import clip, write_clip

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SENSORS = ("species_folders", "changed_audio", "stale_partitions")

SETTINGS = {"training_sizes": (4,), "folds": 2, "repeats": 1, "listing_max_seconds": 1}
"""What every test starts with: as little work as there can be, and a look at all at every tick."""

Ran = tuple[str, str | None]


@dataclass
class Automation:
    """The sensors of a place; their settings may change as if the code location were reloaded.

    Runs have the same, with what differs for them: settings that changed and were not yet reloaded.
    """

    place: Place
    settings: dict[str, Any] = field(default_factory=dict)
    settings_of_runs: dict[str, Any] = field(default_factory=dict)
    cursors: dict[str, str | None] = field(default_factory=dict)

    _built: dict[str, dg.Definitions] = field(default_factory=dict)

    @property
    def defs(self) -> dg.Definitions:
        """As the code location would have them now; made anew when settings or versions change."""
        return self._defs(self.settings)

    def _defs(self, settings: dict[str, Any]) -> dg.Definitions:
        key = repr((settings, STAGES))
        if key not in self._built:
            self._built[key] = build_defs(self.place.plan(**settings).settings)
        return self._built[key]

    def look(self, sensor: str) -> dg.SensorResult | Any:
        """One tick, evaluated and not carried out."""
        defs = self.defs
        context = dg.build_sensor_context(
            instance=self.place.instance,
            cursor=self.cursors.get(sensor),
            repository_def=defs.get_repository_def(),
            sensor_name=sensor,
        )
        # Of an instance in memory the daemon's own way of finding partitions knows nothing.
        with partition_loading_context(dynamic_partitions_store=self.place.instance), context:
            return defs.resolve_sensor_def(sensor).evaluate_tick(context)

    def tick(self, sensor: str) -> list[dg.RunRequest]:
        """One tick, with its partitions added and its cursor kept; the runs that it asks for.

        A run whose key was asked for before is left out, as the daemon does.
        """
        seen = self.look(sensor)
        self.cursors[sensor] = seen.cursor
        for request in seen.dynamic_partitions_requests or ():
            name, keys = request.partitions_def_name, request.partition_keys
            self.place.instance.add_dynamic_partitions(name, keys)
        return [
            request
            for request in seen.run_requests or ()
            if not self.place.instance.get_runs(
                dg.RunsFilter(tags={"dagster/run_key": request.run_key or ""})
            )
        ]

    def execute(self, request: dg.RunRequest) -> list[Ran]:
        """Run a request in this process; what it materialized."""
        defs = self._defs(self.settings | self.settings_of_runs)
        result = defs.resolve_job_def(request.job_name).execute_in_process(
            instance=self.place.instance,
            partition_key=request.partition_key,
            asset_selection=request.asset_selection,
            tags={**request.tags, "dagster/run_key": request.run_key},
            raise_on_error=False,
            run_config=QUIET,
        )
        events = result.get_asset_materialization_events()
        return [(event.asset_key.to_user_string(), event.partition) for event in events]

    def settle(self, ticks: int = 40) -> list[Ran]:
        """Tick all sensors and carry their runs out until two rounds ask for nothing."""
        ran: list[Ran] = []
        quiet = 0
        for _ in range(ticks):
            requests = [request for sensor in SENSORS for request in self.tick(sensor)]
            quiet = 0 if requests else quiet + 1
            if quiet == 2:
                return ran
            for request in requests:
                ran += self.execute(request)
        raise AssertionError(f"still not at rest after {ticks} rounds: {ran}")


@contextmanager
def queued(automation: Automation, request: dg.RunRequest) -> Iterator[dg.DagsterRun]:
    """The run of a request as it stands in the queue; gone afterwards."""
    instance = automation.place.instance
    run = automation.defs.resolve_job_def(request.job_name)
    created = instance.create_run_for_job(
        run,
        tags={**request.tags, "dagster/partition": request.partition_key or ""},
        asset_selection=frozenset(request.asset_selection or ()),
        status=dg.DagsterRunStatus.STARTED,
    )
    yield created
    instance.delete_run(created.run_id)


def a_clip(automation: Automation, species: str = "owl") -> Path:
    """The first positive clip of a species."""
    return sorted((automation.place.audio / species / "data" / "pos").glob("*.wav"))[0]


def replace_clip(automation: Automation, seed: int, species: str = "owl") -> None:
    """Other audio under the same name; the size stays and the time moves."""
    write_clip(a_clip(automation, species), clip(seed, tone=True, level=0.02))
