"""``audio-assets status``: the state of each species × model, and its problems."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import dagster as dg
from rich.console import Console

from audio_assets.automation.health import daemon_note, examine_health
from audio_assets.automation.problems import Kind, Problem
from audio_assets.automation.standings import cell_standings
from audio_assets.catalog.listing import examine_layout, list_species
from audio_assets.cli.chosen_models import print_not_installed
from audio_assets.cli.console import plain_console, whole_table
from audio_assets.cli.instance import local_instance
from audio_assets.cli.run import choose_species
from audio_assets.definitions import build_defs
from audio_assets.errors import ResultsError
from audio_assets.objects.files import exists
from audio_assets.pipeline.partitions import SPECIES, build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness
from audio_assets.reporting.words.wording import share
from audio_assets.results.parquet import read_table
from audio_assets.settings import load_settings
from audio_assets.tables import AUDIO_INVENTORY, FINDINGS, LEARNING_CURVE, VARIANTS
from audio_assets.tables.task import PRESENCE


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
    with local_instance(settings.results_root) as instance:
        known = instance.get_dynamic_partitions(SPECIES.name or "")
        species = choose_species(settings, (), plain_console(stderr=True), known)
        graph = build_defs(settings).resolve_asset_graph()
        staleness = Staleness(graph, plan.roots, instance, of_all=True)
        standings = standings_of(plan, instance, species, staleness)
        problems = [
            *_layout_problems(plan, species),
            *examine_health(plan, instance, staleness).problems,
        ]
        note = daemon_note(instance)
    if as_json:
        print(json.dumps([asdict(standing) for standing in standings], indent=2))
        console = plain_console(stderr=True)
        print_not_installed(settings, console)
        _print_problems(problems, note, console)
        return
    table = whole_table("species", "model", "state", "clips pos + neg", "AUC", "note")
    for s in standings:
        clips = "" if s.clips_pos is None else f"{s.clips_pos} + {s.clips_neg}"
        auc = "" if s.auc is None else f"{share(s.auc)} at {s.training_size}"
        table.add_row(s.species, s.model, s.state, clips, auc, s.note)
    console.print(table)
    print_not_installed(settings, console)
    _print_problems(problems, note, console)


def _layout_problems(plan: AssetPlan, species: Sequence[str]) -> list[Problem]:
    """Return the mistakes in the layout of the audio root and of these species."""
    root = plan.roots.audio
    layout = examine_layout(root, list_species(root), variants=plan.models.available_variants)
    return [
        Problem(Kind.AUDIO, str(root), mistake.what, mistake.remedy)
        for mistake in layout.mistakes(species)
    ]


def _print_problems(problems: Sequence[Problem], daemon: str, console: Console) -> None:
    """Print problems of the layout, and of the automation as the check and the webhook do."""
    for problem in problems:
        text = f"problem  {problem.what}\n           {problem.remedy}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if daemon:
        text = f"note     the daemon {daemon}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def standings_of(
    plan: AssetPlan, instance: dg.DagsterInstance, species: list[str], staleness: Staleness
) -> list[Standing]:
    """Compare each species and model with the audio and encoders as they are now.

    Parameters
    ----------
    staleness
        Over all assets, newly made with ``of_all``.
    """
    rows: list[Standing] = []
    for (name, model), cell in cell_standings(plan, instance, staleness, species).items():
        if not rows or rows[-1].species != name:
            published = _Published(plan, name)
        try:
            standing = published.standing(model, cell.state)
        except ResultsError as error:
            note = f"{error.what}. {error.remedy}"
            standing = Standing(name, model, cell.state, None, None, None, None, note)
        note = cell.fault or standing.note
        if cell.running:
            note = f"a run is going on{'; ' if note else ''}{note}"
        rows.append(replace(standing, note=note))
    return rows


class _Published:
    """Published results of a species; tables that all its models share are read once.

    Raises
    ------
    ResultsError
        By its method: if a table is damaged.
    """

    def __init__(self, plan: AssetPlan, species: str) -> None:
        self._settings, self._results, self._species = plan.settings, plan.roots.results, species

    def standing(self, model: str, state: str) -> Standing:
        """Return the line of a model."""
        pos, neg = self._clips.get(self._settings.variant(model), (None, None))
        size: int | None = None
        auc: float | None = None
        note = ""
        curve_path = self._results.table("learning_curve", model, self._species)
        if exists(curve_path):
            curve = read_table(curve_path, LEARNING_CURVE)
            points = curve[(curve["metric"] == "roc_auc") & curve["mean"].notna()]
            if points.empty:
                note = str(curve["ci_status"].iloc[0])
            else:
                last = points.sort_values("training_size").iloc[-1]
                size, auc = int(last["training_size"]), float(last["mean"])
                note = str(last["ci_status"]).removeprefix("ok").removeprefix(": ")
        if self._doubts:
            note += f"{'; ' if note else ''}{self._doubts} warnings, see the report"
        return Standing(self._species, model, state, pos, neg, size, auc, note)

    @functools.cached_property
    def _clips(self) -> dict[str, tuple[int, int]]:
        """Positive and negative clips by variant; none if there is no inventory."""
        path = self._results.table("audio_inventory", self._species)
        if not exists(path):
            return {}
        rows = read_table(path, AUDIO_INVENTORY)
        counts = rows.groupby(["variant", "label"]).size()
        return {
            variant: (
                int(counts.get((variant, PRESENCE.positive), 0)),
                int(counts.get((variant, PRESENCE.negative), 0)),
            )
            for variant in VARIANTS
        }

    @functools.cached_property
    def _doubts(self) -> int:
        path = self._results.table("findings", self._species)
        return int(read_table(path, FINDINGS)["warning"].sum()) if exists(path) else 0
