"""``audio-assets status``: how each species × model stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import dagster as dg
from rich.table import Table as RichTable

from audio_assets.assets.near_duplicates import duplicate_encoder_version
from audio_assets.assets.plan import AssetPlan
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance
from audio_assets.cli.run import choose_species
from audio_assets.definitions import build_defs
from audio_assets.errors import AudioAssetsError, ResultsError
from audio_assets.partitions import SPECIES, build_partitions, partition_key
from audio_assets.settings import Settings, load_settings
from audio_assets.staleness import (
    Staleness,
    State,
    duplicate_encoder_probe,
    encoder_probe,
    inventory_probe,
)
from audio_assets.storage.files import exists
from audio_assets.storage.parquet import read_table
from audio_assets.storage.results import ResultsLayout
from audio_assets.tables import AUDIO_INVENTORY, FINDINGS, LEARNING_CURVE


@dataclass(frozen=True)
class Standing:
    """One line of the status table; ``auc`` is at ``training_size`` clips per class."""

    species: str
    model: str
    state: str
    clips_pos: int | None
    clips_neg: int | None
    training_size: int | None
    auc: float | None
    note: str


def print_status(*, as_json: bool) -> None:
    """Print a line for each species and model that the settings name."""
    console = plain_console()
    settings = load_settings()
    plan = AssetPlan(settings, build_partitions(settings))
    with local_instance() as instance:
        known = instance.get_dynamic_partitions(SPECIES.name or "")
        species = choose_species(settings, (), plain_console(stderr=True), known)
        standings = standings_of(plan, instance, species)
    if as_json:
        print(json.dumps([asdict(standing) for standing in standings], indent=2))
        return
    table = RichTable("species", "model", "state", "clips pos + neg", "AUC", "note")
    for s in standings:
        clips = "" if s.clips_pos is None else f"{s.clips_pos} + {s.clips_neg}"
        auc = "" if s.auc is None else f"{s.auc:.3f} at {s.training_size}"
        table.add_row(s.species, s.model, s.state, clips, auc, s.note)
    console.print(table)


def standings_of(
    plan: AssetPlan, instance: dg.DagsterInstance, species: list[str]
) -> list[Standing]:
    """How each species and model stands now, against the audio and encoders as they are now."""
    staleness = Staleness(build_defs(plan.settings).resolve_asset_graph(), plan, instance)
    inventory, card = inventory_probe(plan), encoder_probe(plan)
    cards: dict[str, State] = {}
    # A model whose encoder is not to be had says so in its own rows and stops no other.
    broken: dict[str, str] = {}
    copies = State.STALE
    try:
        copies = staleness.probe(duplicate_encoder_probe(plan), None)
        duplicate_encoder_version(plan.settings)
    except AudioAssetsError as error:
        # Without it no species can be split, for any model.
        broken = dict.fromkeys(plan.settings.models, error.what)
    for model in plan.settings.models:
        try:
            cards[model] = staleness.probe(card, model)
            plan.load_encoder(model)
        except AudioAssetsError as error:
            broken[model] = error.what
    rows = []
    for name in species:
        listed = not staleness.failed(["audio_inventory"], name)
        audio, unlisted = State.STALE, ""
        try:
            audio = staleness.probe(inventory, name)
        except AudioAssetsError as error:
            unlisted = error.what
        for model in plan.settings.models:
            key = partition_key(model, name)
            states = [staleness.state(asset, key) for asset in plan.experiment_assets]
            failed = staleness.failed(plan.experiment_assets, key)
            sources = (
                audio,
                cards.get(model, State.STALE),
                copies,
                staleness.state("clip_digests", name),
                staleness.state("near_duplicates", name),
                staleness.state("balanced_manifest", name),
            )
            if unlisted or not listed or failed or model in broken:
                state = "failed"
            elif State.MISSING in states:
                state = "missing"
            elif any(one is not State.FRESH for one in (*states, *sources)):
                state = "stale"
            else:
                state = "fresh"
            none = Standing(name, model, state, None, None, None, None, "")
            try:
                standing = _standing(plan.settings, plan.results, name, model, state)
            except ResultsError as error:
                standing = replace(none, note=f"{error.what}. {error.remedy}")
            note = unlisted or broken.get(model, standing.note)
            rows.append(replace(standing, note=note))
    return rows


def _standing(
    settings: Settings, results: ResultsLayout, species: str, model: str, state: str
) -> Standing:
    clips: tuple[int | None, int | None] = (None, None)
    size: int | None = None
    auc: float | None = None
    note = ""
    inventory_path = results.table("audio_inventory", species)
    if exists(inventory_path):
        inventory = read_table(inventory_path, AUDIO_INVENTORY)
        variant = inventory[inventory["variant"] == settings.variant(model)]
        clips = (int((variant["label"] == "pos").sum()), int((variant["label"] == "neg").sum()))
    curve_path = results.table("learning_curve", model, species)
    if exists(curve_path):
        curve = read_table(curve_path, LEARNING_CURVE)
        points = curve[(curve["metric"] == "roc_auc") & curve["mean"].notna()]
        if points.empty:
            note = str(curve["ci_status"].iloc[0])
        else:
            last = points.sort_values("training_size").iloc[-1]
            size, auc = int(last["training_size"]), float(last["mean"])
            note = str(last["ci_status"]).removeprefix("ok").removeprefix(": ")
    findings_path = results.table("findings", species)
    if exists(findings_path):
        doubts = int(read_table(findings_path, FINDINGS)["warning"].sum())
        if doubts:
            note += f"{'; ' if note else ''}{doubts} warnings, see the report"
    return Standing(species, model, state, *clips, size, auc, note)
