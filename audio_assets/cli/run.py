"""Implement ``audio-assets run``: bring the local results up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from audio_assets.automation.local_runner import LocalRunner, RunSummary
from audio_assets.automation.steps import StepCounter
from audio_assets.catalog.listing import examine_layout, list_species
from audio_assets.catalog.quarantine import QuarantineShare, quarantine_share
from audio_assets.cli.answers_table import print_answers
from audio_assets.cli.chosen_models import choose_models
from audio_assets.cli.console import QuietProgress, StepProgress, plain_console, print_step
from audio_assets.cli.hearing import unheard
from audio_assets.cli.instance import local_instance
from audio_assets.cli.layout import PUT_CLIPS, checked_species
from audio_assets.cli.noise import library_noise_to, noise_log
from audio_assets.cli.outcome import print_none_evaluated, without_result
from audio_assets.cli.verdicts import print_verdicts
from audio_assets.definitions import build_defs
from audio_assets.errors import (
    AudioAssetsError,
    ResultsError,
    UnknownSpeciesError,
    perhaps,
)
from audio_assets.objects.files import exists
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.partitions import SPECIES, build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stages import REPORT
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import read_table
from audio_assets.results.run_lock import run_lock
from audio_assets.settings import Settings, load_settings
from audio_assets.tables import AUDIO_INVENTORY, EMBEDDINGS, FINDINGS, QUARANTINE
from audio_assets.tables.losses import loss_in_words


def run_stale(
    species: Sequence[str], models: Sequence[str], *, quiet: bool, as_json: bool = False
) -> int:
    """Run everything stale in the user's instance and return the exit code.

    With ``as_json``, only the summary goes to stdout; everything else goes to stderr.
    """
    console = plain_console(stderr=as_json)
    settings = load_settings()
    settings.require_audio_root()
    models, refused = choose_models(settings, models, console)
    variants = {settings.variant(model) for model in models}
    with local_instance(settings.results_root) as instance:
        known = instance.get_dynamic_partitions(SPECIES.name or "")
        chosen = choose_species(settings, species, console, known)
        chosen = checked_species(settings, chosen, console, variants=variants, seen=known)
        with run_lock(open_root(settings.results_root), console.print):
            summary = materialize(settings, instance, chosen, models, console, quiet=quiet)
    summary.failures.update(refused)
    unevaluated = print_end(settings, summary, chosen, models, console)
    if as_json:
        print(json.dumps(_as_json(summary, settings, chosen, unevaluated), indent=2))
    return exit_code(summary, chosen, unevaluated)


def print_end(
    settings: Settings,
    summary: RunSummary,
    species: Sequence[str],
    models: Sequence[str],
    console: Console,
) -> dict[str, list[str]]:
    """Print what was done, what failed, the answers, and what they leave out.

    Returns
    -------
    dict
        Species that could not be evaluated -> reasons.
    """
    layout = ResultsLayout(open_root(settings.results_root))
    if not summary.materialized and not summary.failures:
        console.print("Everything is fresh; nothing was run.")
    else:
        console.print(f"{len(summary.materialized)} asset partitions were materialized.")
    print_failures(summary, console)
    # The answers of a report that could not be written are those of an earlier run.
    has_report = REPORT not in summary.failures and exists(layout.report)
    if has_report:
        titles = {model: settings.title(model) for model in settings.models}
        print_answers(layout, titles, settings.target_auc, console)
        console.print()
    print_losses(settings, species, console)
    print_unheard(settings, species, console)
    print_unknown_recordings(settings, species, console)
    if has_report:
        console.print()
        print_verdicts(layout.root, settings, console)
        console.print(f"\nReport: {layout.report}", soft_wrap=True, highlight=False)
    unevaluated = without_result(settings, species, models)
    if len(unevaluated) == len(species):
        print_none_evaluated(unevaluated, console)
    return unevaluated


def exit_code(
    summary: RunSummary, species: Sequence[str], unevaluated: Mapping[str, Sequence[str]]
) -> int:
    """Return 1 if anything failed or no species could be evaluated, else 0."""
    return 1 if summary.failures or len(unevaluated) == len(species) else 0


def _as_json(
    summary: RunSummary,
    settings: Settings,
    species: Sequence[str],
    unevaluated: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    return {
        "materialized": [
            {"asset": asset, "partition": partition} for asset, partition in summary.materialized
        ],
        "failures": [{"what": what, "reason": reason} for what, reason in summary.failures.items()],
        "quarantine": [asdict(share) for share in quarantine_shares(settings, species)],
        "not_evaluated": unevaluated,
        "not_installed": list(EnabledModels(settings).not_installed()),
        "warnings": unknown_recordings_warnings(settings, species),
        "report": str(ResultsLayout(open_root(settings.results_root)).report),
    }


def choose_species(
    settings: Settings, asked: Sequence[str], console: Console, seen: Sequence[str] = ()
) -> list[str]:
    """Choose the species: those asked for, those of the settings, or all folders.

    ``seen`` are species of earlier runs: one whose folder has disappeared is included, so that its
    results do not stay unchanged. A species of the settings without a folder is reported on stderr.

    Raises
    ------
    UnknownSpeciesError
        If a requested species is unknown.
    AudioAssetsError
        If there is none, or none in the settings has a folder.
    """
    root = open_root(settings.require_audio_root())
    listing = list_species(root)
    # Mistakes of the root as a whole have another remedy than another name.
    collections = (
        examine_layout(root, replace(listing, species=())).not_species if listing.rejected else ()
    )
    for name, remedy in listing.rejected.items():
        if name in collections:
            continue
        console.print(
            f"Left out: the folder {name!r}; {remedy}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    known = settings.species or sorted({*listing.species, *seen})
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise UnknownSpeciesError(
            f"Unknown species: {', '.join(unknown)}",
            f"{perhaps(unknown[0], known)}Known under {settings.audio_root}: "
            f"{', '.join(known) or 'none'}",
        )
    chosen = list(asked or known)
    if not chosen:
        mistakes = examine_layout(root, listing).of_root
        raise AudioAssetsError(
            f"There is no species folder under {settings.audio_root}",
            f"{mistakes[0]}." if mistakes else PUT_CLIPS,
        )
    absent = [name for name in chosen if settings.species and name not in listing.species]
    if absent:
        what = f"AUDIO_ASSETS_SPECIES names {', '.join(absent)}: no such folder"
        what += f" under {settings.audio_root}"
        remedy = (
            f"Correct the name, or add the folder. Found: {', '.join(listing.species) or 'none'}"
        )
        if not {*chosen} & {*listing.species, *seen}:
            mistakes = examine_layout(root, listing).of_root
            raise AudioAssetsError(what, f"{mistakes[0]}." if mistakes else remedy)
        errors = plain_console(stderr=True)
        errors.print(f"No clips: {what}. {remedy}", highlight=False, soft_wrap=True)
    return chosen


def materialize(
    settings: Settings,
    instance: dg.DagsterInstance,
    species: Sequence[str],
    models: Sequence[str],
    console: Console,
    *,
    quiet: bool,
    steps: StepCounter | None = None,
) -> RunSummary:
    """Run the local runner with progress on the console.

    What libraries write goes to a log file, which is named if anything fails.

    Parameters
    ----------
    steps
        Counter of steps that have begun before; a new one by default.
    """
    progress = QuietProgress() if quiet else StepProgress(console)
    runner = LocalRunner(
        defs=build_defs(settings, progress=progress),
        plan=AssetPlan(settings, build_partitions(settings)),
        instance=instance,
        steps=steps or step_counter(console, quiet=quiet),
    )
    log = noise_log(instance)
    try:
        with library_noise_to(log):
            summary = runner.bring_up_to_date(species, models)
    except Exception:
        _print_noise_log(log, console)
        raise
    if summary.failures:
        _print_noise_log(log, console)
    return summary


def step_counter(console: Console, *, quiet: bool) -> StepCounter:
    """Return a counter that prints each step, or nothing if quiet."""
    return StepCounter() if quiet else StepCounter(lambda step: print_step(step, console))


def _print_noise_log(log: Path, console: Console) -> None:
    if log.stat().st_size:
        console.print(f"Messages of libraries: {log}", highlight=False, soft_wrap=True)


def print_failures(summary: RunSummary, console: Console) -> None:
    """Print each partition that failed, with the reason."""
    for name, reason in summary.failures.items():
        first, *rest = reason.splitlines()
        console.print(f"Failed: {name}: {first}", style="red", markup=False, soft_wrap=True)
        for line in rest:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def print_losses(settings: Settings, species: Sequence[str], console: Console) -> None:
    """Print the number of unused clips with the reasons, for each species that has any."""
    name = ResultsLayout(open_root(settings.results_root)).quarantine.name
    shares = quarantine_shares(settings, species)
    lines = []
    for found in shares:
        if found.quarantined:
            text = loss_in_words(found.quarantined, found.clips, found.reasons)
            them = "them" if found.quarantined > 1 else "it"
            lines.append(f"{found.species}: {text} ({name} lists {them})")
    whole = [found.species for found in shares if not found.quarantined]
    if whole:
        lines.append(f"{', '.join(whole)}: every clip was used")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def print_unheard(settings: Settings, species: Sequence[str], console: Console) -> None:
    """Print a line per group of models that do not hear the sound of a species' positives."""
    plan = AssetPlan(settings, build_partitions(settings))
    try:
        sentences = unheard(plan, species)
    # A table from an earlier version that could not be updated; that failure has been printed.
    except ResultsError as error:
        sentences = [f"It is not known which models hear the positives: {error.what}"]
    for sentence in sentences:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def print_unknown_recordings(settings: Settings, species: Sequence[str], console: Console) -> None:
    """Print a warning for each species whose numbers may come from unknown shared recordings."""
    for name, text in unknown_recordings_warnings(settings, species).items():
        console.print(
            f"Warning: {name}: {text}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def unknown_recordings_warnings(settings: Settings, species: Sequence[str]) -> dict[str, str]:
    """Return species -> warning, for species whose clips cannot be assigned to recordings."""
    from audio_assets.reporting.words.finding_words import unknown_recordings_sentence

    results = ResultsLayout(open_root(settings.results_root))
    found = {}
    for name in species:
        path = results.table(FINDINGS.name, name)
        if exists(path):
            table = read_table(path, FINDINGS)
            rows = table[(table["kind"] == "unknown_recordings") & table["warning"]]
            for row in rows.to_dict("records"):
                found[name] = unknown_recordings_sentence(row)
    return found


def quarantine_shares(settings: Settings, species: Sequence[str]) -> list[QuarantineShare]:
    """Count the unused clips of each species, with the reasons.

    Species whose clips no model has read yet are left out.
    """
    plan = AssetPlan(settings, build_partitions(settings))
    found = []
    for name in species:
        paths = [
            plan.roots.results.table(table.name, name) for table in (QUARANTINE, AUDIO_INVENTORY)
        ]
        models = settings.models
        embedded = [plan.roots.results.table(EMBEDDINGS.name, model, name) for model in models]
        if all(exists(path) for path in paths) and any(exists(path) for path in embedded):
            found.append(
                quarantine_share(
                    read_table(paths[0], QUARANTINE),
                    read_table(paths[1], AUDIO_INVENTORY),
                    name,
                    plan.models.available_variants,
                )
            )
    return found
