"""The tables of the report as text cells, one function per table.

The text of a cell belongs here; its appearance belongs in ``templates/``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audio_assets.catalog.clip_names import CLIP_NAMES
from audio_assets.catalog.recordings import NO_LINE
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.page.html_table import HtmlTable as HtmlTable
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import (
    CurvePoint,
    curve_points,
    reasons_without_points,
)
from audio_assets.reporting.words.sentences import (
    CLIPS_NEEDED_COLUMNS,
    METRIC,
    Answer,
    answer_cells,
)
from audio_assets.tables import FINDINGS, MODEL_COMPARISON, QUARANTINE_REASONS

if TYPE_CHECKING:
    import pandas as pd


def clips_needed(found: Sequence[Answer]) -> HtmlTable:
    """Return the answers for one species."""
    return HtmlTable(
        caption="Clips needed per class",
        head=CLIPS_NEEDED_COLUMNS[1:],
        rows=tuple(tuple(answer_cells(answer).values()) for answer in found),
        numeric=frozenset({1, 2, 3, 4, 5}),
    )


def comparisons(content: ReportContent, species: str) -> tuple[HtmlTable, HtmlTable] | None:
    """Return the paired differences of one species at one size and at all sizes, or None.

    The first table has a single size because Holm's adjustment is over the pairs at one size:
    p values of several sizes side by side would look like one family, and be adjusted for fewer
    pairs than are shown. The result is None if no two models were compared.
    """
    table = content.rows(MODEL_COMPARISON)
    rows = table[
        (table["species"] == species)
        & (table["kind"] == "difference")
        & (table["metric"] == METRIC)
    ].to_dict("records")
    if not rows:
        return None
    rows.sort(key=lambda row: (-_size(row), row["model_a"], row["model_b"]))
    size, missing = _size_to_show(rows)
    which = "the largest size that all of them have"
    if missing:
        without = ", ".join(content.title(model) for model in sorted(missing))
        which = f"the largest size that most of them have (without {without})"
    head = ("models", "clips per class", "AUC difference", "interval", "p", "p (Holm)", "status")

    def as_table(caption: str, chosen: list[dict[Any, Any]]) -> HtmlTable:
        cells = tuple(_difference_cells(content, row) for row in chosen)
        return HtmlTable(caption, head, cells, frozenset({1, 2, 3, 4, 5}))

    return (
        as_table(
            f"Models compared at {size} clips per class, {which}",
            [row for row in rows if _size(row) == size],
        ),
        as_table("Models compared at every size", rows),
    )


def _size_to_show(rows: Sequence[Mapping[Any, Any]]) -> tuple[int, set[str]]:
    """Return the largest size at which most models have a difference, and the models without."""
    valued = [row for row in rows if not wording.is_missing(row["difference"])] or rows
    models: dict[int, set[str]] = {}
    for row in valued:
        models.setdefault(_size(row), set()).update((row["model_a"], row["model_b"]))
    size = max(models, key=lambda clips: (len(models[clips]), clips))
    return size, {str(row[side]) for row in rows for side in ("model_a", "model_b")} - models[size]


def recordings_behind(content: ReportContent, species: str) -> HtmlTable | None:
    """Count the training recordings behind each size; models with equal counts share a row."""
    grouped: dict[tuple[int, str, str], list[str]] = {}
    points = curve_points(content.curves, species, METRIC)
    all_models = {content.title(point.model) for point in points}
    for point in points:
        if point.size:
            key = (point.size, *_recordings(point))
            grouped.setdefault(key, []).append(content.title(point.model))
    if not grouped:
        return None
    return HtmlTable(
        caption="Recordings behind each training size (median over folds)",
        head=("clips per class", "positive recordings", "negative recordings", "models"),
        rows=tuple(
            (str(size), positive, negative, _models(models, all_models))
            for (size, positive, negative), models in sorted(
                grouped.items(), key=lambda item: item[0][0]
            )
        ),
        numeric=frozenset({0, 1, 2}),
    )


def recording_rules(content: ReportContent, species: str) -> HtmlTable | None:
    """Return the rules that found the recordings, with the number of clips each."""
    table = content.recording_rules
    rows = table[table["species"] == species].to_dict("records")
    if not rows:
        return None
    return HtmlTable(
        caption="How the recording of a clip was found",
        head=("rule", "clips"),
        rows=tuple((_rule_in_words(str(row["rule"])), str(int(row["clips"]))) for row in rows),
        numeric=frozenset({1}),
    )


def _rule_in_words(rule: str) -> str:
    """Describe a default pattern by the names it matches; return any other rule unchanged."""
    unnamed = NO_LINE if rule.endswith(NO_LINE) else ""
    words = CLIP_NAMES.get(rule.removesuffix(NO_LINE))
    return rule if words is None else f"names as of {words}{unnamed}"


def class_labels(content: ReportContent, species: str) -> HtmlTable | None:
    """Return the encoder classes whose scores make the untrained point."""
    labels = content.class_labels.get(species, {})
    if not any(labels.values()):
        return None
    return HtmlTable(
        caption="Encoder classes behind the untrained score (0 clips)",
        head=("encoder", "class labels"),
        rows=tuple((name, ", ".join(labels[name])) for name in sorted(labels) if labels[name]),
    )


def quarantine_shares(content: ReportContent) -> HtmlTable:
    """Return the share of unused clips per species; species without such clips are left out."""
    return HtmlTable(
        caption="Share of clips not used, by species",
        head=("species", "not used", "clips", "share"),
        rows=tuple(
            (species, str(bad), str(clips), f"{100 * bad / clips:.1f} %")
            for species, (bad, clips) in sorted(content.quarantine_shares.items())
            if bad
        ),
        numeric=frozenset({1, 2, 3}),
    )


def loss_of(content: ReportContent, species: str) -> str | None:
    """Return the number of a species' unused clips with the reasons; None if all were used."""
    text = content.losses.get(species)
    return text and text[0].upper() + text[1:]


def readings(content: ReportContent) -> HtmlTable | None:
    """Return the clips that were used although their files are unusual; None without any."""
    table = content.rows(FINDINGS)
    rows = table[table["kind"] == "reading"].to_dict("records")
    if not rows:
        return None
    rows.sort(key=lambda row: (row["species"], row["variant"], -int(row["count"]), row["subject"]))
    return HtmlTable(
        caption="How files were read",
        head=("species", "folder", "peculiarity", "clips", "example"),
        rows=tuple(
            (
                str(row["species"]),
                str(row["variant"]),
                str(row["subject"]),
                str(int(row["count"])),
                str(row["detail"]),
            )
            for row in rows
        ),
        numeric=frozenset({3}),
    )


def removed_clips(content: ReportContent) -> HtmlTable:
    """Return the clips that earlier results were computed from, but not these."""
    return HtmlTable(
        caption="Clips removed when the audio of their species last changed",
        head=("clip", "species", "folder"),
        rows=tuple((clip, species, variant) for species, variant, clip in sorted(content.removed)),
    )


def quarantine_counts(quarantine: pd.DataFrame) -> HtmlTable:
    """Count the unused clips by species and reason."""
    counts = Counter(zip(quarantine["species"], quarantine["reason"], strict=True))
    return HtmlTable(
        caption="Clips not used, by species and reason",
        head=("species", "reason", "meaning", "clips"),
        rows=tuple(
            (species, reason, QUARANTINE_REASONS.get(reason, wording.EMPTY), str(clips))
            for (species, reason), clips in sorted(counts.items())
        ),
        numeric=frozenset({3}),
    )


def quarantined_clips(quarantine: pd.DataFrame) -> HtmlTable:
    """Return every clip that was not used."""
    rows = quarantine.sort_values(["species", "variant", "clip_id"]).to_dict("records")
    names = ("clip_id", "species", "variant", "reason", "detail")
    return HtmlTable(
        caption="Every clip that was not used",
        head=("clip", "species", "folder", "reason", "detail"),
        rows=tuple(tuple(_text(row[name]) for name in names) for row in rows),
    )


def left_out(content: ReportContent) -> HtmlTable:
    """Return the models that were left out."""
    return HtmlTable(
        caption="Models left out",
        head=("model", "reason"),
        rows=tuple((content.title(m), content.left_out[m]) for m in sorted(content.left_out)),
    )


def missing(content: ReportContent) -> HtmlTable:
    """Return the pairs of species and model without a result, even if evaluation was tried."""
    pairs = [
        (species, model, reason)
        for species in content.species()
        for model, reason in reasons_without_points(content.curves, species, METRIC).items()
    ]
    return HtmlTable(
        caption="Species and models without a result",
        head=("species", "model", "reason"),
        rows=tuple(
            (species, content.title(model), reason)
            for species, model, reason in sorted([*content.missing, *pairs])
        ),
    )


def models_used(content: ReportContent) -> HtmlTable:
    """Return the models with the encoder and the classifier behind each."""
    names = ["model", "encoder", "encoder_fingerprint", "head"]
    rows = content.curves[names].drop_duplicates().sort_values(names)
    return HtmlTable(
        caption="Models",
        head=("model", "encoder", "fingerprint of the encoder", "classifier"),
        rows=tuple(
            (content.title(str(model)), str(encoder), str(fingerprint), str(head))
            for model, encoder, fingerprint, head in rows.to_numpy()
        ),
    )


def names_and_values(caption: str, values: Mapping[str, Any]) -> HtmlTable:
    """Return settings or provenance as a table, in the caller's order."""
    return HtmlTable(
        caption=caption,
        head=("name", "value"),
        rows=tuple((name, _value(value)) for name, value in values.items()),
    )


def _difference_cells(content: ReportContent, row: Mapping[Any, Any]) -> tuple[str, ...]:
    def shown(name: str, form: Any) -> str:
        value = row[name]
        return wording.EMPTY if wording.is_missing(value) else str(form(float(value)))

    bounds = wording.EMPTY
    if not wording.is_missing(row["ci_low"]):
        bounds = wording.signed_interval(float(row["ci_low"]), float(row["ci_high"]))
    return (
        f"{content.title(row['model_a'])} minus {content.title(row['model_b'])}",
        str(_size(row)),
        shown("difference", wording.signed),
        bounds,
        shown("p_value", wording.p_value),
        shown("p_holm", wording.p_value),
        str(row["status"]),
    )


def _size(row: Mapping[Any, Any]) -> int:
    return int(row["training_size"])


def _recordings(point: CurvePoint) -> tuple[str, str]:
    counts = (point.recordings_pos, point.recordings_neg)
    positive, negative = (wording.EMPTY if n is None else wording.count(n) for n in counts)
    return positive, negative


def _models(models: Sequence[str], all_models: Collection[str]) -> str:
    return "all" if len(models) == len(all_models) > 1 else ", ".join(models)


def _text(value: Any) -> str:
    return wording.EMPTY if wording.is_missing(value) else str(value)


def _value(value: Any) -> str:
    """Write a setting as text: containers as JSON, in a fixed order."""
    import json

    if value is None:
        return wording.EMPTY
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)
