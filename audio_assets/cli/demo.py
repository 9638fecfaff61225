"""Implement ``audio-assets demo``: the whole pipeline, on synthetic or the user's audio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from audio_assets import synthetic
from audio_assets.automation.steps import Kind, kind_of
from audio_assets.automation.tasks import all_tasks
from audio_assets.cli.chosen_models import choose_models
from audio_assets.cli.console import QuietProgress, StepProgress, plain_console
from audio_assets.cli.demo_cost import check_disk, cost_words
from audio_assets.cli.instance import demo_instance
from audio_assets.cli.layout import checked_species
from audio_assets.cli.run import choose_species, exit_code, materialize, print_end, step_counter
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.partitions import SPECIES, build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.results.run_lock import run_lock
from audio_assets.settings import load_settings

_SYNTHETIC = Kind("synthetic audio")


def run_demo(audio: Path | None, results: Path, models: Sequence[str], *, quiet: bool) -> int:
    """Run the demo and return the exit code.

    Parameters
    ----------
    audio
        Audio root; None for synthetic audio in the results root.
    results
        Results root.
    models
        Models to run; those of the settings if empty.
    quiet
        Whether to leave out progress.
    """
    console = plain_console()
    if audio is None:
        check_disk(results)
        console.print(cost_words(results), markup=False, highlight=False, soft_wrap=True)
    with run_lock(open_root(results.resolve()), console.print):
        return _run_demo(audio, results, models, console, quiet=quiet)


def _run_demo(
    audio: Path | None, results: Path, asked: Sequence[str], console: Console, *, quiet: bool
) -> int:
    folder = results / "synthetic-audio" if audio is None else audio
    settings = load_settings(audio_root=str(folder.resolve()), results_root=str(results.resolve()))
    models, refused = choose_models(settings, asked, console)
    steps = step_counter(console, quiet=quiet)
    if audio is None:
        plan = AssetPlan(settings, build_partitions(settings))
        tasks = map(kind_of, all_tasks(plan, synthetic.SPECIES, models))
        steps.plan([_SYNTHETIC, *tasks])
        with steps.step(_SYNTHETIC, "make synthetic audio"):
            _write_synthetic(folder, console, quiet=quiet)
    variants = {settings.variant(model) for model in models}
    chosen = choose_species(settings, (), console)
    species = checked_species(settings, chosen, console, variants=variants)

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with demo_instance(settings.results_root, species, say) as instance:
        # Those of earlier demos that have lost their clips must not keep their results.
        seen = instance.get_dynamic_partitions(SPECIES.name or "")
        species = sorted({*species, *seen})
        summary = materialize(
            settings, instance, species, models, console, quiet=quiet, steps=steps
        )
    summary.failures.update(refused)
    unevaluated = print_end(settings, summary, species, models, console)
    return exit_code(summary, species, unevaluated)


def _write_synthetic(folder: Path, console: Console, *, quiet: bool) -> None:
    import joblib

    progress = QuietProgress() if quiet else StepProgress(console)
    with progress.task("making synthetic audio", lambda line: None) as advance:
        synthetic.write_demo_audio(folder, workers=joblib.cpu_count(), progress=advance)
