"""Implement ``audio-assets demo``: the whole pipeline once, on synthetic or the user's audio."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from audio_assets.cli.chosen_models import choose_models
from audio_assets.cli.console import ConsoleProgress, plain_console
from audio_assets.cli.layout import checked_species
from audio_assets.cli.outcome import print_none_evaluated, without_result
from audio_assets.cli.run import (
    choose_species,
    materialize,
    print_failures,
    print_losses,
    print_unheard,
    print_unknown_recordings,
)
from audio_assets.objects.roots import open_root
from audio_assets.published import load_learning_curves
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.run_lock import run_lock
from audio_assets.settings import load_settings


def run_demo(audio: Path | None, results: Path, *, quiet: bool) -> int:
    """Run the demo and return the exit code."""
    console = plain_console()
    with run_lock(open_root(results.resolve()), console.print):
        return _run_demo(audio, results, console, quiet=quiet)


def _run_demo(audio: Path | None, results: Path, console: Console, *, quiet: bool) -> int:
    if audio is None:
        audio = results / "synthetic-audio"
        _write_synthetic(audio, console, quiet=quiet)
    settings = load_settings(audio_root=str(audio.resolve()), results_root=str(results.resolve()))
    models, _ = choose_models(settings, (), console)
    variants = {settings.variant(model) for model in models}
    chosen = choose_species(settings, (), console)
    species = checked_species(settings, chosen, console, variants=variants)
    # In memory: this instance is used once, and its database would cost more than the work.
    with dg.DagsterInstance.ephemeral() as instance:
        summary = materialize(settings, instance, species, models, console, quiet=quiet)
    layout = ResultsLayout(open_root(settings.results_root))
    print_failures(summary, console)
    # Otherwise the results are those of an earlier demo.
    if ("experiment_report", None) in summary.materialized:
        titles = {model: settings.title(model) for model in settings.models}
        _print_answers(layout, titles, settings.target_auc, console)
        console.print()
        print_losses(settings, species, console)
        print_unheard(settings, species, console)
        print_unknown_recordings(settings, species, console)
        console.print(f"\nReport: {layout.report}", soft_wrap=True, highlight=False)
    unevaluated = without_result(settings, species, models)
    if len(unevaluated) == len(species):
        print_none_evaluated(unevaluated, console)
        return 1
    return 1 if summary.failures else 0


def _write_synthetic(folder: Path, console: Console, *, quiet: bool) -> None:
    import joblib

    from audio_assets.cli.console import QuietProgress
    from audio_assets.synthetic import write_demo_audio

    progress = QuietProgress() if quiet else ConsoleProgress(console)
    with progress.task("making synthetic audio", lambda line: None) as advance:
        write_demo_audio(folder, workers=joblib.cpu_count(), progress=advance)


def _print_answers(
    layout: ResultsLayout, titles: dict[str, str], target: float, console: Console
) -> None:
    from audio_assets.evaluation.intervals.clips_needed import CANNOT_BE_SHOWN
    from audio_assets.published import load_comparisons
    from audio_assets.reporting.words.sentences import clips_needed_table
    from audio_assets.reporting.words.wording import EMPTY

    curves, comparisons = load_learning_curves(layout.root), load_comparisons(layout.root)
    answers = clips_needed_table(curves, comparisons, titles)
    # Fits into 80 columns, the width of a console that is not a terminal.
    table = RichTable(
        title="Clips needed per class",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    for column in ("species", "model", "untrained", "AUC", "interval", "needed"):
        table.add_column(column, no_wrap=column != "model", overflow="fold")
    for row in answers.to_dict("records"):
        size = row["largest size"]
        auc = row["AUC at largest size"]
        table.add_row(
            row["species"],
            row["model"],
            row["untrained AUC"],
            auc if auc == EMPTY else f"{auc} at {size}",
            row["interval"].replace(" to ", " - "),
            row["range"].replace("more than", ">"),
        )
    console.print(table)
    console.print(
        f"AUC: at the largest training size. Needed: from the smallest size at which the upper end "
        f"of the interval reaches {target:g} to the smallest from which the lower end always does; "
        f"> n if none did up to n.",
        highlight=False,
    )
    few = answers[answers["status"].str.contains(CANNOT_BE_SHOWN)]
    reasons = few["status"].str.split(";").str[0]
    for species, reason in dict.fromkeys(zip(few["species"], reasons, strict=True)):
        console.print(f"{species}: {reason}.", highlight=False, soft_wrap=True)
    for row in answers[answers["AUC at largest size"] == EMPTY].to_dict("records"):
        console.print(
            f"No AUC of {row['species']}, {row['model']}: {row['status']}",
            highlight=False,
            soft_wrap=True,
        )
