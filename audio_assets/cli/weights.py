"""Implement ``audio-assets weights``: list, fetch and verify the weights of pretrained models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any


from audio_assets.cli.console import ConsoleProgress, QuietProgress, plain_console, whole_table
from audio_assets.errors import AudioAssetsError, MissingWeightsError, SettingsError, WeightsError
from audio_assets.models.registry import EncoderSpec, get_encoder, get_model, model_names
from audio_assets.progress import Advance, Progress
from audio_assets.settings import PREFIX, Settings, load_settings
from audio_assets.weights.places import find_weights


@dataclass(frozen=True)
class Finding:
    """The state of one encoder's weights.

    Attributes
    ----------
    state
        ``present``, ``missing``, ``damaged``; ``fetched`` or ``failed`` after a fetch.
    sha256
        Digest by file; empty unless present.
    embedding
        Result for the fixed sound, if asked for: ``agrees``, ``differs`` or ``unknown``, and a
        summary of the embedding.
    """

    encoder: str
    models: tuple[str, ...]
    publisher: str
    licence: str
    state: str
    place: str
    sha256: dict[str, str]
    note: str = ""
    embedding: dict[str, Any] | None = None


def print_weights(models: Sequence[str], *, as_json: bool) -> None:
    """Print the source and state of the weights of these models, or of all."""
    settings = load_settings()
    findings = [_find(spec, settings) for spec in _encoders(models or model_names())]
    _print(findings, as_json=as_json)


def run_verify(models: Sequence[str], *, embed: bool, as_json: bool) -> int:
    """Check digests, and optionally the embedding of a fixed sound; return the exit code."""
    settings = load_settings()
    findings = [_find(spec, settings) for spec in _encoders(models or settings.models)]
    if embed:
        findings = [_embed(finding, settings) for finding in findings]
    _print(findings, as_json=as_json, in_full=True)
    return 0 if all(finding.state == "present" for finding in findings) else 1


def run_fetch(models: Sequence[str], *, as_json: bool, quiet: bool) -> int:
    """Fetch missing or damaged weights and return the exit code."""
    settings = load_settings()
    folder = settings.weight_places().fetched
    if folder is None:
        raise SettingsError("There is no folder to fetch into", f"Set {PREFIX}CACHE_DIR.")
    console = plain_console(stderr=True)
    progress: Progress = QuietProgress() if quiet or as_json else ConsoleProgress(console)
    findings = []
    for spec in _encoders(models or settings.models):
        found = _find(spec, settings)
        if found.state != "present":
            found = _fetch(spec, settings, progress)
        findings.append(found)
    _print(findings, as_json=as_json)
    root = settings.weight_places().root_path()
    if root is not None and settings.weight_places().fetched != root and not as_json:
        console.print(
            f"The weights are in {folder}; copy that folder to {root} for other machines.",
            soft_wrap=True,
            highlight=False,
        )
    return 0 if all(finding.state in ("present", "fetched") for finding in findings) else 1


def _encoders(models: Sequence[str]) -> list[EncoderSpec]:
    """Return the encoders with weights behind these models, each once."""
    names = dict.fromkeys(get_model(model).encoder for model in models)
    return [spec for spec in map(get_encoder, names) if spec.source is not None]


def _find(spec: EncoderSpec, settings: Settings) -> Finding:
    assert spec.source is not None
    state, place, digests, note = "present", "", dict[str, str](), ""
    models = tuple(name for name in model_names() if get_model(name).encoder == spec.name)
    try:
        weights = find_weights(spec.name, spec.source, settings.weight_places(), model=models[0])
        place, digests = weights.place, weights.digests
    except MissingWeightsError as error:
        state, note = "missing", str(error)
    except WeightsError as error:
        state, note = "damaged", str(error)
    return Finding(
        spec.name, models, spec.source.publisher, spec.licence, state, place, digests, note
    )


def _fetch(spec: EncoderSpec, settings: Settings, progress: Progress) -> Finding:
    from audio_assets.weights.fetch import fetch_weights

    folder = settings.weight_places().fetched
    assert spec.source is not None and folder is not None
    with ExitStack() as tasks:
        bars: dict[str, Advance] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in bars:
                title = f"{spec.name}: {name} (bytes)"
                bars[name] = tasks.enter_context(progress.task(title, lambda line: None))
            bars[name](done, total)

        try:
            fetch_weights(spec.name, spec.source, folder / spec.name, progress=report)
        except WeightsError as error:
            return replace(_find(spec, settings), state="failed", note=str(error))
    found = _find(spec, settings)
    return replace(found, state="fetched") if found.state == "present" else found


def _embed(finding: Finding, settings: Settings) -> Finding:
    from audio_assets.embeddings.fixed_sound import KNOWN, agrees, embed_fixed_sound
    from audio_assets.models.registry import load_encoder

    if finding.state != "present":
        return finding
    try:
        found = embed_fixed_sound(load_encoder(finding.encoder, settings.weight_places()))
    except AudioAssetsError as error:
        return replace(finding, state="failed", note=str(error))
    # An error in the encoder's own code becomes its finding, beside those on the other encoders.
    except Exception as error:
        return replace(finding, state="failed", note=f"{type(error).__name__}: {error}")
    known = KNOWN.get(finding.encoder)
    if known is None:
        verdict = "unknown"
        note = "There is no known value to compare with; this one is for the record."
    elif agrees(found, known):
        verdict, note = "agrees", "The embedding of the fixed sound has the known value."
    else:
        verdict = "differs"
        note = f"The embedding of the fixed sound differs from the known value: {asdict(known)}"
    state = "damaged" if verdict == "differs" else finding.state
    summary = {"verdict": verdict, **asdict(found)}
    return replace(finding, state=state, note=note, embedding=summary)


def _print(findings: Sequence[Finding], *, as_json: bool, in_full: bool = False) -> None:
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    console = plain_console()
    table = whole_table("encoder", "state", "from", "licence", "found in")
    for f in findings:
        table.add_row(f.encoder, f.state, f.publisher, f.licence, f.place)
    console.print(table)

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    for f in findings:
        if in_full:
            for name, digest in f.sha256.items():
                line(f"{digest}  {f.encoder}/{name}")
        if f.embedding is not None:
            line(f"{f.encoder}: norm {f.embedding['norm']}, values {f.embedding['values']}")
        if f.note:
            named = f.note.startswith(f"{f.encoder}:")
            line(f.note if named else f"{f.encoder}: {f.note}")
