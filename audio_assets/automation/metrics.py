"""Metrics of the automation for Prometheus, collected at intervals and returned at every scrape.

A scrape triggers no work: examining all species takes seconds and requests to the bucket, while
Prometheus waits for ten seconds. So a thread collects (:class:`Collected`), with a timestamp per
part. Times are exported as timestamps rather than ages, so that a hanging exporter shows growing
ages too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from audio_assets.automation.audio_changes import requests_in
from audio_assets.automation.decisions import Decision, Standing
from audio_assets.automation.health import cursor_of, examine_health, ticks_of
from audio_assets.automation.lateness import read_since, what_is_behind
from audio_assets.automation.problems import Kind, Problem
from audio_assets.automation.tasks import JOBS_OF_MODELS, species_of
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness
from audio_assets.tables import AUDIO_INVENTORY, LABELS, QUARANTINE, VARIANTS

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

_log = logging.getLogger(__name__)
_LISTING_SENSORS = ("changed_audio", "species_folders")

Part = Callable[[], Sequence[Metric]]


class Collected(Collector):
    """The metrics of the last collection, with the parts that failed.

    Parameters
    ----------
    parts
        Name -> function that collects the part. A failing part has no metrics until it works
        again, so that old values are never mistaken for current ones.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = dict(parts)
        self._lock = threading.Lock()
        self._families: dict[str, Sequence[Metric]] = {}
        self._failed: dict[str, bool] = {}
        self._at: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def refresh(self) -> None:
        """Collect every part again; an error in one is logged and counted, and stops no other."""
        for name, part in self._parts.items():
            start = time.monotonic()
            try:
                families, failed = part(), False
            except Exception:
                _log.exception("the metrics of %s could not be collected", name)
                families, failed = (), True
            with self._lock:
                self._families[name], self._failed[name] = families, failed
                self._seconds[name] = time.monotonic() - start
                if not failed:
                    self._at[name] = time.time()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics for a scrape."""
        with self._lock:
            families = [family for found in self._families.values() for family in found]
            own = [
                _by_part("scrape_failures", "1 if a part could not be collected.", self._failed),
                _by_part(
                    "collected_timestamp_seconds", "When a part was last collected.", self._at
                ),
                _by_part("collection_seconds", "How long it took.", self._seconds),
            ]
        yield from families
        yield from own

    def describe(self) -> list[Metric]:
        """Return nothing; without this method the registry would collect to learn the names."""
        return []


def parts_of(
    plan: AssetPlan, instance: dg.DagsterInstance, graph: AssetGraph
) -> Mapping[str, Part]:
    """Return the functions that collect the metrics of an instance.

    Parameters
    ----------
    plan
        Plan whose patience limits the wait for a failing bucket.
    graph
        Asset graph of the definitions for the plan's settings.
    """
    return {
        "health": lambda: _health(plan, instance, graph),
        "runs": lambda: _runs(instance),
        "ticks": lambda: _ticks(instance),
        "clips": lambda: _clips(instance),
        "requests": lambda: _requests(instance),
    }


def _health(plan: AssetPlan, instance: dg.DagsterInstance, graph: AssetGraph) -> Sequence[Metric]:
    health = examine_health(plan, instance, Staleness(graph, plan.roots, instance, of_all=True))
    found = [_problems(health.problems)]
    # Without a decision there is a problem of kind unknown, and the tasks are not guessed.
    if health.decision is not None:
        since = read_since(cursor_of(instance, "stale_partitions"))
        found += [_tasks(health.decision), _behind(health.decision, since)]
    return found


def _problems(problems: Sequence[Problem]) -> GaugeMetricFamily:
    family = _gauge("problems", "Problems of the automation, by kind.", "kind")
    counts = Counter(problem.kind for problem in problems)
    for kind in Kind:
        family.add_metric([kind.name.lower()], counts[kind])
    return family


def _tasks(decision: Decision) -> GaugeMetricFamily:
    family = _gauge(
        "tasks", "Tasks by state; those of models have no species.", "species", "standing"
    )
    counts = Counter((species_of(task), standing) for task, standing in decision.standings.items())
    names = {name for name, _ in counts}
    for species in sorted(names):
        for standing in Standing:
            family.add_metric([species, standing.name.lower()], counts[species, standing])
    return family


def _behind(decision: Decision, since: Mapping[str, float]) -> GaugeMetricFamily:
    family = _gauge(
        "species_behind_since_timestamp_seconds",
        "When the open work of a species became due; 0 if it is up to date.",
        "species",
    )
    behind = what_is_behind(decision, jobs_of_no_species=JOBS_OF_MODELS)
    names = {species_of(task) for task in decision.standings} - {""}
    now = time.time()
    for species in sorted(names):
        # Work that became due after the cursor's tick counts as due from now.
        family.add_metric([species], since.get(species, now) if species in behind else 0.0)
    return family


def _runs(instance: dg.DagsterInstance) -> Sequence[Metric]:
    family = _gauge("runs", "Runs that the instance keeps, by status.", "status")
    for status in dg.DagsterRunStatus:
        number = instance.get_runs_count(dg.RunsFilter(statuses=[status]))
        family.add_metric([status.value.lower()], number)
    return [family]


def _ticks(instance: dg.DagsterInstance) -> Sequence[Metric]:
    last = _gauge("last_tick_timestamp_seconds", "When a sensor or schedule last ticked.", "name")
    failures = _gauge("tick_failures", "Ticks in a row that failed, up to the newest.", "name")
    switched = _gauge("sensor_on", "1 if a sensor or schedule is switched on.", "name")
    beat = _gauge("daemon_heartbeat_timestamp_seconds", "Time of the daemon's last heartbeat.")
    if instance.schedule_storage is not None:
        for ticks in ticks_of(instance, time.time()):
            if ticks.last is not None:
                last.add_metric([ticks.name], ticks.last)
            failures.add_metric([ticks.name], ticks.failures)
            switched.add_metric([ticks.name], float(ticks.is_on))
    beats = instance.get_daemon_heartbeats()
    if beats:
        beat.add_metric([], max(one.timestamp for one in beats.values()))
    return [last, failures, switched, beat]


def _clips(instance: dg.DagsterInstance) -> Sequence[Metric]:
    clips = _gauge("clips", "Clips that are listed.", "species", "variant", "label")
    unused = _gauge("clips_unused", "Listed clips that are copies or were rejected.", "species")
    lost = _gauge("clips_quarantined", "Clips that could not be used.", "species")
    known = set(instance.get_dynamic_partitions(SPECIES.name or ""))
    for species, found in sorted(_latest(instance, AUDIO_INVENTORY.name).items()):
        if species in known:
            for variant in VARIANTS:
                for label in LABELS:
                    number = found.get(f"clips {variant}/{label}", 0.0)
                    clips.add_metric([species, variant, label], number)
            unused.add_metric([species], found.get("not used", 0))
    for species, found in sorted(_latest(instance, QUARANTINE.name).items()):
        if species in known:
            lost.add_metric([species], found["dagster/row_count"])
    return [clips, unused, lost]


def _requests(instance: dg.DagsterInstance) -> Sequence[Metric]:
    family = CounterMetricFamily(
        "audio_assets_bucket_requests",
        "Requests to a bucket that the ticks of a sensor have made, by kind.",
        labels=("name", "kind"),
    )
    for sensor in _LISTING_SENSORS:
        for kind, number in sorted(requests_in(cursor_of(instance, sensor)).items()):
            family.add_metric([sensor, kind], number)
    return [family]


def _latest(instance: dg.DagsterInstance, asset: str) -> dict[str, dict[str, float]]:
    """Return the numbers in the metadata of each partition's newest materialization."""
    key = dg.AssetKey(asset)
    ids = instance.event_log_storage.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    if not ids:
        return {}
    wanted = dg.AssetRecordsFilter(key, storage_ids=sorted(ids.values()))
    found: dict[str, dict[str, float]] = {}
    for record in instance.fetch_materializations(wanted, limit=len(ids)).records:
        made = record.asset_materialization
        if made is not None and made.partition is not None:
            found[made.partition] = {
                name: float(value.value)
                for name, value in made.metadata.items()
                if isinstance(value.value, int | float)
            }
    return found


def _by_part(name: str, text: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = _gauge(name, text, "part")
    for part, value in values.items():
        family.add_metric([part], float(value))
    return family


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"audio_assets_{name}", text, labels=labels)
