"""Sensors on the audio root: new species folders, and changed audio.

Listing is costly: it takes a request per folder and page of a bucket. The time of the next listing
is decided in :mod:`audio_assets.automation.listing_pace`; a tick in between makes no request to the
bucket.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import dagster as dg

from audio_assets.automation.audio_changes import (
    AudioMemory,
    new_species,
    read_memory,
    write_memory,
)
from audio_assets.automation.decisions import Inputs, Standing, Task, Work, decide
from audio_assets.automation.listing_pace import Limits, PastListing
from audio_assets.automation.listings import listings_now, recorded_listings
from audio_assets.automation.notices import Listener
from audio_assets.automation.runs import history_of, retries, run_request, running_tasks
from audio_assets.automation.tasks import species_to_keep
from audio_assets.catalog.layout import RootLayout
from audio_assets.catalog.listing import SpeciesListing, examine_layout, list_species
from audio_assets.objects.bucket_requests import counting_requests
from audio_assets.objects.names_seen import NamesSeen
from audio_assets.objects.notifications import Named
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stages import INVENTORY
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.settings import Settings

T = TypeVar("T")


def build_species_sensor(plan: AssetPlan) -> dg.SensorDefinition:
    @dg.sensor(
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition for every new species folder. Partitions are never removed: "
        "a species whose folder is gone has an empty inventory.",
    )
    def species_folders(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, limits = time.time(), _limits(plan.settings)
        memory = read_memory(context.cursor, now)
        known = context.instance.get_dynamic_partitions(SPECIES.name or "")
        notes = [f"{len(known)} species known"]
        new: tuple[str, ...] = ()
        if memory.lists_all(now, limits):

            def list_new() -> tuple[SpeciesListing, tuple[str, ...], RootLayout]:
                listing = list_species(plan.roots.audio)
                new = new_species(listing, known, plan.settings.species)
                # Only these: to count the files of every species costs requests each time.
                return listing, new, examine_layout(plan.roots.audio, listing, new)

            (listing, new, layout), past, requests = _timed(list_new, now)
            new = tuple(name for name in new if name not in layout.not_species)
            for name, remedy in listing.rejected.items():
                context.log.warning(f"The folder {name!r} is not a species: {remedy}")
            for mistake in layout.mistakes(new):
                context.log.warning(f"Wrong layout: {mistake}")
            notes += [f"not added: {name!r}, {why}" for name, why in listing.rejected.items()]
            notes += [f"wrong layout: {mistake}" for mistake in layout.of_root]
            memory = memory.after_root(past, found=bool(new)).counted(requests)
        notes += _next_listing(memory, now, limits)
        return dg.SensorResult(
            dynamic_partitions_requests=[SPECIES.build_add_request(list(new))] if new else [],
            cursor=write_memory(memory),
            skip_reason=dg.SkipReason("; ".join(notes)) if not new else None,
        )

    return species_folders


def build_audio_sensor(plan: AssetPlan, job: Any) -> dg.SensorDefinition:
    longest_wait = 60 * plan.settings.longest_wait_minutes
    names_seen = NamesSeen(plan.settings.listing_max_seconds)
    listener = Listener(plan)

    @dg.sensor(
        job=job,
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Updates the inventory of a species when its audio differs from its last "
        "inventory and either has been the same in two listings or has been changing for longer "
        "than AUDIO_ASSETS_LONGEST_WAIT_MINUTES.",
    )
    def changed_audio(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance = context.instance
        now = time.time()
        memory = read_memory(context.cursor, now)
        heard = listener.hear(memory.notification_token, context.log)
        is_notified = heard is not None and not heard.fault
        limits = replace(_limits(plan.settings), is_notified=is_notified)
        named = heard.named if heard is not None else Named()
        # Changes from before the notifications started were never announced.
        is_new = is_notified and not memory.is_notified
        species = species_to_keep(plan, instance)
        recorded = recorded_listings(instance, species)
        listed: set[str] = set()

        def list_audio(names: Sequence[str], *, at_all: bool = False) -> None:
            nonlocal memory
            seen, past, requests = _timed(lambda: listings_now(plan, names), now)
            memory = memory.after_listing(seen, recorded, past, at_all=at_all).counted(requests)
            listed.update(names)

        at_all = memory.lists_all(now, limits) or is_new or named.is_root
        names = memory.to_list(species, recorded, now, limits, named.folders)
        if names or at_all:
            list_audio(species if at_all else names, at_all=at_all)
        memory = replace(
            memory,
            # A transient fault loses no message.
            is_notified=is_notified or (memory.is_notified and heard is not None and heard.passes),
            notification_token=heard.token if heard is not None else "",
            notification_fault=heard.fault if heard is not None else "",
        )
        assert context.repository_def is not None
        graph = context.repository_def.asset_graph
        staleness = Staleness(graph, plan.roots, instance, of_all=True, names_seen=names_seen)

        def work(task: Task) -> Work | None:
            name = task.partition
            changed = memory.changed.get(name)
            is_ready = changed is not None and (changed.is_settled or name in overdue)
            if changed is not None and not is_ready:
                return None
            if not is_ready and staleness.state("audio_inventory", name) is State.FRESH:
                return None
            own = staleness.signature(("audio_inventory",), name)
            seen = changed.seen if changed is not None else recorded[name]
            digest = hashlib.sha256(f"{own} {seen}".encode()).hexdigest()[:16]
            return Work(("audio_inventory",), digest)

        tasks = {Task(INVENTORY, name): Inputs() for name in species}
        while True:
            overdue = memory.overdue(longest_wait, now)
            decision = decide(
                tasks,
                running=running_tasks(plan, instance, tasks),
                work=work,
                history=lambda todo: history_of(instance, todo),
                now=time.time(),
                retries=retries(plan.settings),
            )
            # For example tasks that failed a while ago: files may be being copied now.
            unseen = sorted({task.partition for task in decision.due} - listed)
            if not unseen:
                break
            list_audio(unseen)
        requests = [run_request(plan, task, *due) for task, due in decision.due.items()]
        notes = [f"{len(listed)} of {len(species)} species listed"]
        for name in memory.moving:
            notes.append(f"still changing: {name} since {_date(memory.changed[name].since)}")
        for name in sorted({task.partition for task in decision.due} & set(overdue)):
            context.log.warning(
                f"{name} is processed although its audio has been changing since "
                f"{_date(memory.changed[name].since)}"
            )
        if heard is not None and heard.messages:
            notes.append(f"{heard.messages} notifications")
        if memory.notification_fault:
            notes.append(f"no notifications: {memory.notification_fault}")
        notes += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
        notes += _next_listing(memory, now, limits)
        memory = memory.asked_for([task.partition for task in decision.due], now)
        return dg.SensorResult(
            run_requests=requests,
            cursor=write_memory(memory),
            skip_reason=dg.SkipReason("; ".join(notes)) if not requests else None,
        )

    return changed_audio


def _limits(settings: Settings) -> Limits:
    return Limits(settings.sensor_seconds, settings.listing_max_seconds)


def _timed(listing: Callable[[], T], now: float) -> tuple[T, PastListing, dict[str, int]]:
    """Run a listing; return its result, its end and cost, and its requests by kind."""
    start = time.perf_counter()
    with counting_requests() as requests:
        found = listing()
    seconds = time.perf_counter() - start
    return found, PastListing(now + seconds, seconds, sum(requests.values())), dict(requests)


def _next_listing(memory: AudioMemory, now: float, limits: Limits) -> list[str]:
    """Say when all species will be listed next, unless that is at the next tick."""
    at = memory.next_listing(limits)
    return [f"next listing of all species {_clock(at)}"] if at - now > 1.5 * limits.shortest else []


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"
