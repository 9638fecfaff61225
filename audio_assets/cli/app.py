"""The calls of ``audio-assets`` and their options; the work is done elsewhere.

Exit codes are part of the interface: see :data:`EXIT_CODES`.
"""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional

import typer

from audio_assets.cli.console import escape_unknown_signs
from audio_assets.cli.import_calls import import_app
from audio_assets.cli.job_calls import job_app
from audio_assets.cli.messages import two_lines
from audio_assets.cli.options import (
    JsonOption,
    ModelOption,
    QuietOption,
    SpeciesOption,
    complete_models,
    complete_species,
)
from audio_assets.cli.weights_calls import weights_app
from audio_assets.errors import (
    SettingsError,
    UnknownModelError,
    UnknownPartitionError,
    UnknownSpeciesError,
)

EXIT_CODES = (
    "Exit codes: 0 done; 1 something failed, a check found a problem, or an import left something "
    "out; 2 a wrong option or setting, nothing was started; 130 interrupted. Items that run and "
    "demo report as left out (folders that are not species; models that are not installed) do "
    "not change the code."
)

_NOT_STARTED = (SettingsError, UnknownModelError, UnknownPartitionError, UnknownSpeciesError)

app = typer.Typer(
    name="audio-assets",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@dataclass
class Options:
    """Options before the command."""

    debug: bool = False


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"audio-assets {version('audio-assets')}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Choose a pretrained audio model for a species, and find how many labelled clips it needs."""
    context.ensure_object(Options).debug = debug


DEMO_RESULTS = Path("demo-results")


@app.command()
def demo(
    audio: Annotated[
        Optional[Path],
        typer.Option(help="Folder with {species}/data/{pos,neg}; synthetic audio if not given."),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder for all results.")] = DEMO_RESULTS,
    model: ModelOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run the whole pipeline; `run` on the same two folders continues it.

    Example: audio-assets demo --audio my-clips --results my-results --model birdnet
    """
    from audio_assets.cli.demo import run_demo

    raise typer.Exit(run_demo(audio, results, model or (), quiet=quiet))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the project; made if missing.")],
    species: Annotated[
        Optional[list[str]],
        typer.Option("--species", "-s", help="Also make this species' folders; repeatable."),
    ] = None,
) -> None:
    """Make a project folder: an audio root, a .env with every setting, and a README.

    Nothing that exists is overwritten.

    Example: audio-assets init my-project --species coyote
    """
    from audio_assets.cli.project import init_project
    from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key

    for name in species or ():
        if not is_partition_key(name):
            raise typer.BadParameter(
                f"{name!r} must match {KEY_RULE}, such as barn_owl", param_hint="--species"
            )
    init_project(folder, species or ())


@app.command()
def classes(
    model: Annotated[
        str, typer.Argument(help="The model, such as birdnet.", autocompletion=complete_models)
    ],
    words: Annotated[
        Optional[list[str]],
        typer.Argument(help="Common or scientific name, or a part of it; all labels if omitted."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find class labels of a model, for the setting SPECIES_CLASSES; exit 1 if none matches.

    Example: audio-assets classes birdnet coyote
    """
    from audio_assets.cli.classes import print_classes

    raise typer.Exit(print_classes(model, words or (), as_json=as_json))


@app.command()
def run(
    species: SpeciesOption = None,
    model: ModelOption = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a summary as JSON; everything else goes to stderr."),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Compute everything that is stale or missing; exit 1 if any partition failed.

    Example: audio-assets run --species coyote --model birdnet
    """
    from audio_assets.cli.run import run_stale

    raise typer.Exit(run_stale(species or (), model or (), quiet=quiet, as_json=as_json))


@app.command()
def embed(
    model: Annotated[
        str, typer.Option("--model", "-m", help="The model.", autocompletion=complete_models)
    ],
    species: Annotated[
        str, typer.Option("--species", "-s", help="The species.", autocompletion=complete_species)
    ],
    windows: Annotated[
        bool,
        typer.Option(
            "--windows",
            help="Embed clips again whose windows an earlier version did not store.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Embed all clips of a species into the store, together with any number of other workers.

    Use it for partitions that are large enough to share among machines; `run` then finds the
    embeddings in the store. Workers running at the same time never embed the same clip twice.

    Example: audio-assets embed --model birdnet --species coyote
    """
    from audio_assets.cli.embed import run_embed

    run_embed(model, species, windows=windows, quiet=quiet)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show each species and model: fresh, stale, missing or failed; clips; AUC at largest size.

    Example: audio-assets status --json
    """
    from audio_assets.cli.status import print_status

    print_status(as_json=as_json)


@app.command()
def answer(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Say for each species which model to use, whether the clips are enough, and what to do next.

    Reads answers.csv of the results; `run` writes it.

    Example: audio-assets answer --json
    """
    from audio_assets.cli.answer import print_answers

    print_answers(as_json=as_json)


@app.command()
def home() -> None:
    """Print the folder of the Dagster instance in which `run` records; made if missing.

    It is DAGSTER_HOME if set, else that of the results root, else this folder if it has a
    dagster.yaml.

    Example: audio-assets home, as in DAGSTER_HOME=$(audio-assets home) dagster dev
    """
    from audio_assets.cli.instance import local_instance
    from audio_assets.settings import load_settings

    with local_instance(load_settings().results_root) as instance:
        print(instance.root_directory)


@app.command()
def metrics(
    host: Annotated[
        str, typer.Option(help="Address to listen on; there is no authentication.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 9464,
    every: Annotated[
        float,
        typer.Option(min=1, help="Seconds between collections; a scrape returns the latest."),
    ] = 60.0,
) -> None:
    """Serve the state of the automation to Prometheus until stopped.

    Metrics cover freshness, queue, clips, ticks and health problems of the Dagster instance and
    the settings.

    Example: audio-assets metrics --port 9464
    """
    from audio_assets.cli.metrics import run_metrics

    run_metrics(host, port, every)


@app.command()
def retry(
    species: SpeciesOption = None,
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Make the daemon retry work that it had given up, after the cause was fixed.

    By itself it retries once in AUDIO_ASSETS_GIVE_UP_HOURS. Works wherever the Dagster
    instance can be reached; on a cluster: kubectl exec deploy/dagster-daemon -- audio-assets retry

    Example: audio-assets retry --species coyote
    """
    from audio_assets.cli.retry import run_retry

    run_retry(species or (), model or (), as_json=as_json)


@app.command()
def clean(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be removed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, for scripts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Remove embeddings and tables that no enabled model and no listed clip needs.

    These are embeddings of other encoders, of earlier versions of an encoder and of clips that
    no longer exist, and tables of other models. Shows what and how much first, and asks.

    Example: audio-assets clean --dry-run
    """
    from audio_assets.cli.clean import run_clean

    raise typer.Exit(run_clean(dry_run=dry_run, yes=yes, as_json=as_json))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Check settings, audio, results, disk, weights, daemon and partitions; exit 1 on a problem.

    Example: audio-assets doctor
    """
    from audio_assets.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(as_json=as_json))


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show the effective settings and where each value comes from; secrets are masked.

    Example: audio-assets settings --json
    """
    from audio_assets.cli.console import plain_console, whole_table
    from audio_assets.settings import PREFIX, load_settings, setting_sources, shown_settings

    loaded = load_settings()
    shown = json.loads(json.dumps(shown_settings(loaded)))
    sources = setting_sources()
    if as_json:
        rows = [
            {"setting": PREFIX + name.upper(), "value": shown[name], "source": sources[name]}
            for name in shown
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = whole_table("setting", "value", "from", "meaning", show_lines=True)
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        meaning = type(loaded).model_fields[name].description or ""
        table.add_row(PREFIX + name.upper(), text, sources[name], meaning)
    plain_console().print(table)


@app.command()
def report(
    file: Annotated[
        Optional[Path],
        typer.Option(
            "--zip",
            help="Pack the report, its tables and charts, the methods and what to cite into this "
            "file, without paths of this machine.",
        ),
    ] = None,
) -> None:
    """Print the path of the report, or pack it to pass it on.

    Example: audio-assets report --zip report.zip
    """
    from audio_assets.cli.report import run_report

    run_report(file)


app.add_typer(import_app, name="import")
app.add_typer(job_app, name="job")
app.add_typer(weights_app, name="weights")


def main() -> None:
    """Run the command; print an error as two lines on stderr: what is wrong and what to do.

    With ``--debug``, the traceback comes first.
    """
    from audio_assets.environment import quiet_tensorflow

    quiet_tensorflow()
    escape_unknown_signs()
    options = Options()
    try:
        app(prog_name="audio-assets", obj=options)
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        what, remedy = two_lines(error)
        print(f"Error: {what}\n  {remedy}", file=sys.stderr)
        sys.exit(2 if isinstance(error, _NOT_STARTED) else 1)
