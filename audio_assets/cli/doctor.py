"""Implement ``audio-assets doctor``: check everything that a run needs, one line per check."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg

from audio_assets.automation.health import (
    daemon_note,
    examine_health,
    results_problems,
    watched_states,
)
from audio_assets.automation.problems import Kind
from audio_assets.automation.stale import standing_words
from audio_assets.catalog.layout import counts_in_words
from audio_assets.catalog.listing import examine_layout, list_species
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.cli.console import plain_console
from audio_assets.cli.dotenv_rights import readable_secrets
from audio_assets.cli.hearing import measured_species, unheard
from audio_assets.cli.instance import local_instance
from audio_assets.cli.messages import two_lines
from audio_assets.definitions import build_defs
from audio_assets.errors import AudioAssetsError
from audio_assets.models.installation import not_installed_words
from audio_assets.objects.files import is_local
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness
from audio_assets.settings import load_settings

_LOW_DISK_BYTES = 2e9
# A user waits for each line, and a healthy bucket responds at once.
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor; it is a problem if ``todo`` is set.

    ``is_note`` marks a finding that is worth knowing but stops no run.
    """

    subject: str
    found: str
    todo: str = ""
    is_note: bool = False


def run_doctor(*, as_json: bool) -> int:
    """Print findings as they are made, or all as JSON at the end; return 1 if any is a problem."""
    findings = []
    console = plain_console()
    for finding in examine():
        findings.append(finding)
        if not as_json:
            mark = "problem" if finding.todo else "note   " if finding.is_note else "ok     "
            text = f"{mark}  {finding.subject}: {finding.found}"
            if finding.todo:
                text += f"\n           {finding.todo}"
            console.print(text, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    return 1 if any(finding.todo for finding in findings) else 0


def examine() -> Iterator[Finding]:
    """Run one check after the other; an error in one does not stop the others."""
    try:
        settings = load_settings()
    except AudioAssetsError as error:
        yield Finding("settings", error.what, error.remedy)
        return
    yield Finding("settings", "all well-formed")
    if (fault := readable_secrets()) is not None:
        yield Finding(".env", *fault)
    plan = AssetPlan(settings, build_partitions(settings), patience=_PATIENCE_SECONDS)
    yield from _guarded("audio", lambda: _audio(plan))
    yield from _guarded("results", lambda: _results(plan))
    yield from _guarded("disk", lambda: _disk(plan))
    not_installed = plan.models.not_installed()
    if not_installed:
        yield Finding("models", not_installed_words(not_installed), is_note=True)
    for model in (model for model in settings.models if model not in not_installed):
        yield from _guarded(f"model {model}", functools.partial(_model, plan, model))
    yield from _guarded("duplicate encoder", lambda: _duplicates(plan))
    yield from _hearing(plan)
    try:
        instance = local_instance(settings.results_root)
    except AudioAssetsError as error:
        yield Finding("instance", error.what, error.remedy)
        return
    with instance:
        yield Finding("instance", f"{instance.root_directory}, Dagster {dg.__version__}")
        yield from _guarded("automation", lambda: _automation(plan, instance))


def _guarded(
    subject: str, check: Callable[[], Finding] | Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    """Run a check and turn an error in it into a finding."""
    try:
        found = check()
        yield from [found] if isinstance(found, Finding) else found
    except Exception as error:
        yield Finding(subject, *two_lines(error))


def _audio(plan: AssetPlan) -> Iterator[Finding]:
    """Report what is wrong with the audio root, then the clips of each species by class."""
    root = plan.roots.audio
    listing = list_species(root)
    layout = examine_layout(root, listing, variants=plan.models.available_variants)
    problems = [Finding("audio", mistake.what, mistake.remedy) for mistake in layout.of_root]
    problems += [
        Finding("audio", f"{name!r} cannot be a species", f"{remedy[0].upper()}{remedy[1:]}.")
        for name, remedy in listing.rejected.items()
        if name not in layout.not_species
    ]
    if not listing.species and not problems:
        todo = "Put clips into {species}/data/pos and {species}/data/neg there."
        problems.append(Finding("audio", f"{root} has no species folder", todo))
    rules = read_recording_rules(root, plan.settings.recording_patterns)
    problems += [Finding("audio", fault.what, fault.remedy) for fault in rules.faults.values()]
    yield from problems or [Finding("audio", f"{root}, {len(layout.clips)} species")]
    for name, clips in layout.clips.items():
        subject = f"clips of {name}"
        for mistake in layout.of_species.get(name, ()):
            yield Finding(subject, mistake.what, mistake.remedy)
        if clips:
            yield Finding(subject, counts_in_words(clips))


def _results(plan: AssetPlan) -> Finding:
    for problem in results_problems(plan):
        return Finding("results", problem.what, problem.remedy)
    return Finding("results", f"{plan.roots.results.root} can be written to")


def _disk(plan: AssetPlan) -> Finding:
    folders = [Path(plan.settings.cache_dir).expanduser()]
    if is_local(plan.roots.results.root):
        folders.append(Path(str(plan.roots.results.root)))
    free = {}
    for folder in folders:
        parents = (folder.absolute(), *folder.absolute().parents)
        free[folder] = shutil.disk_usage(next(one for one in parents if one.exists())).free
    text = ", ".join(f"{number / 1e9:.1f} GB free for {folder}" for folder, number in free.items())
    low = [folder for folder, number in free.items() if number < _LOW_DISK_BYTES]
    return Finding("disk", text, f"Free at least 2 GB for {low[0]}." if low else "")


def _model(plan: AssetPlan, model: str) -> Finding:
    encoder = plan.models.load_encoder(model)
    return Finding(f"model {model}", f"{encoder.name}, fingerprint {encoder.fingerprint[:12]}")


def _duplicates(plan: AssetPlan) -> Finding:
    from audio_assets.pipeline.probes import duplicate_encoder_version

    version = duplicate_encoder_version(plan.settings, plan.patience)
    name = plan.settings.duplicate_encoder or "none"
    return Finding("duplicate encoder", f"{name}, {version[:12]}")


def _hearing(plan: AssetPlan) -> Iterator[Finding]:
    """Report the models that do not hear the positives, for species with measured clips."""
    subject = "hearing"
    try:
        species = plan.settings.species or list_species(plan.roots.audio).species
        measured = measured_species(plan, species)
        sentences = unheard(plan, measured)
    # Problems with the audio, the results and the models have lines of their own.
    except AudioAssetsError as error:
        yield Finding(subject, f"not known: {error.what}", is_note=True)
        return
    for sentence in sentences:
        yield Finding(subject, sentence, is_note=True)
    if measured and not sentences:
        yield Finding(subject, f"the models hear the positives of {', '.join(measured)}")


def _automation(plan: AssetPlan, instance: dg.DagsterInstance) -> Iterator[Finding]:
    """Report the problems of the automation that the asset check and the webhook report too."""
    graph = build_defs(plan.settings).resolve_asset_graph()
    health = examine_health(plan, instance, Staleness(graph, plan.roots, instance, of_all=True))
    kinds = {problem.kind for problem in health.problems}
    beats = instance.get_daemon_heartbeats()
    if note := daemon_note(instance):
        yield Finding("daemon", note, is_note=True)
    elif Kind.DAEMON not in kinds:
        silent = time.time() - max(beat.timestamp for beat in beats.values())
        yield Finding("daemon", f"last heartbeat {silent:.0f} s ago")
        if Kind.SENSOR not in kinds:
            yield Finding("sensors", f"{len(watched_states(instance))} sensors and schedules work")
    if health.decision is not None:
        yield Finding("partitions", standing_words(health.decision))
    for problem in health.problems:
        # Problems with audio and results have lines of their own.
        if problem.kind not in (Kind.AUDIO, Kind.RESULTS):
            yield Finding(problem.key, problem.what, problem.remedy)
