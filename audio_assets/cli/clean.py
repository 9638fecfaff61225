"""Implement ``audio-assets clean``: remove embeddings and tables that are no longer needed."""

from __future__ import annotations

import json
import logging
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import typer
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from rich.console import Console

from audio_assets.catalog.listing import list_species
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance
from audio_assets.embeddings.cleaning import (
    Kind,
    Listed,
    Unneeded,
    remove,
    unneeded_embeddings,
    unneeded_tables,
)
from audio_assets.errors import (
    AudioRootError,
    EncoderError,
    ResultsError,
    SettingsError,
    WeightsError,
)
from audio_assets.models.registry import get_model, load_encoder
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import take_inventory
from audio_assets.results.run_lock import run_lock
from audio_assets.settings import Settings, load_settings
from audio_assets.tables import ALL_TABLES, AUDIO_INVENTORY

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)


def run_clean(*, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show what can be removed, ask, and remove it; return the exit code.

    Raises
    ------
    SettingsError
        If there is no terminal to ask on.
    AudioAssetsError
        If the audio cannot be listed, a run is in progress, or a file cannot be deleted.
    """
    if not (dry_run or yes) and (as_json or not sys.stdin.isatty()):
        raise SettingsError(
            "There is no terminal to ask for confirmation on",
            "Pass --yes to remove without asking, or --dry-run to see what would be removed.",
        )
    console = plain_console(stderr=as_json)
    settings = load_settings()
    plan = AssetPlan(settings, build_partitions(settings))
    root = plan.roots.results.root
    _refuse_during_runs(settings, console)
    with run_lock(root, console.print):
        listed = listed_clips(plan)
        current, kept = encoders_in_use(plan)

        def warn(text: str) -> None:
            _print(console, f"Warning: {text}")

        found = [
            *unneeded_embeddings(root, current, listed, warn),
            *unneeded_tables(root, [table.name for table in ALL_TABLES], settings.models),
        ]
        for name, reason in kept.items():
            _print(
                console, f"Kept: all embeddings of {name}, whose fingerprint is not known: {reason}"
            )
        # Shown so that settings or results of another machine are noticed before the answer.
        _print(console, f"Under {root}, with the models {', '.join(settings.models)}:")
        _print_unneeded(console, found)
        removes = bool(found) and not dry_run and (yes or typer.confirm("Remove all this?"))
        if removes:
            # Runs may have started while the user was deciding.
            _refuse_during_runs(settings, console)
            for one in found:
                remove(one, warn)
            _print(console, "Removed.")
        elif found:
            _print(console, "Nothing was removed.")
    if as_json:
        print(json.dumps(_as_json(found, kept, removed=removes), indent=2))
    return 0


def listed_clips(plan: AssetPlan) -> frozenset[Listed]:
    """Return the clips of all species folders under the audio root, whatever SPECIES names.

    Raises
    ------
    AudioRootError
        If there is no species folder: the audio root may be missing.
    AudioAssetsError
        If anything cannot be listed.
    """
    species = list_species(plan.roots.audio).species
    if not species:
        raise AudioRootError(
            f"There is no species folder under the audio root {plan.roots.audio}",
            "Nothing was removed. Correct AUDIO_ASSETS_AUDIO_ROOT, or make sure that its drive is "
            "mounted.",
        )
    listed: set[Listed] = set()
    for name in species:
        inventory, _ = take_inventory(plan.roots, plan.settings.recording_patterns, name)
        _refuse_hidden_clips(plan, name, inventory)
        rows = zip(inventory["checksum"], inventory["size"], strict=True)
        listed |= {Listed(str(checksum), int(size)) for checksum, size in rows}
    return frozenset(listed)


def _refuse_hidden_clips(plan: AssetPlan, species: str, inventory: pd.DataFrame) -> None:
    """Fail if a species may have clips that are not listed: their embeddings are still needed."""
    if (inventory["status"] == "link_out_of_root").any():
        raise AudioRootError(
            f"{species} has links that lead out of the audio root, whose clips are not listed",
            "Nothing was removed. Move the clips into the root, or delete the links.",
        )
    last = plan.roots.last_version(AUDIO_INVENTORY, species, _log)
    if inventory.empty and last is not None and not last.empty:
        raise AudioRootError(
            f"The folder of {species} contains no clips, but did so before",
            "Nothing was removed. Make sure that its drive is mounted; if the species is gone, "
            "delete its folder.",
        )


def encoders_in_use(plan: AssetPlan) -> tuple[dict[str, str | None], dict[str, str]]:
    """Return the fingerprint of each encoder in use, or None, and the reason for each None."""
    settings = plan.settings
    names = {get_model(model).encoder for model in settings.models}
    # Also if copies are not searched for now: with DUPLICATE_COSINE below 1 they would be again.
    names |= {settings.duplicate_encoder} - {""}
    current: dict[str, str | None] = {}
    kept = {}
    for name in sorted(names):
        try:
            current[name] = load_encoder(name, settings.weight_places(plan.patience)).fingerprint
        except (EncoderError, WeightsError) as error:
            current[name] = None
            kept[name] = error.what
    return current, kept


def _refuse_during_runs(settings: Settings, console: Console) -> None:
    """Fail if Dagster has unfinished runs, because these do not hold the run lock."""
    try:
        instance = local_instance(settings.results_root, make=False)
    except SettingsError:
        _print(console, "There is no Dagster instance here: make sure that no run is in progress.")
        return
    with instance:
        statuses = [status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES]
        unfinished = instance.get_runs(dg.RunsFilter(statuses=statuses), limit=1)
    if unfinished:
        raise ResultsError(
            f"The run {unfinished[0].run_id} of {unfinished[0].job_name} has not ended",
            "Wait until no run is queued or in progress, or stop them.",
        )


def _print_unneeded(console: Console, found: Sequence[Unneeded]) -> None:
    by_kind: dict[Kind, list[Unneeded]] = defaultdict(list)
    for one in found:
        by_kind[one.kind].append(one)
    for kind, some in by_kind.items():
        clips = sum(one.clips for one in some)
        what = f"{clips} clips, " if clips else ""
        _print(console, f"{kind}: {what}{_megabytes(some)} MB")
        for one in some:
            clips_here = f"{one.clips} clips, " if one.clips else ""
            _print(console, f"  {one.folder}: {clips_here}{_megabytes([one])} MB")
    if found:
        _print(console, f"In total: {_megabytes(found)} MB")
    else:
        _print(console, "There is nothing to remove.")


def _megabytes(some: Sequence[Unneeded]) -> str:
    return f"{sum(one.size for one in some) / 1e6:.1f}"


def _as_json(found: Sequence[Unneeded], kept: dict[str, str], *, removed: bool) -> dict[str, Any]:
    return {
        "removed": removed,
        "unneeded": [
            {
                "kind": str(one.kind),
                "folder": str(one.folder),
                "clips": one.clips,
                "bytes": one.size,
            }
            for one in found
        ],
        "kept": kept,
    }


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
