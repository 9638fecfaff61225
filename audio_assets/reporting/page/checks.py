"""The page's section on the checks of a species: sentences, tables and the calibration chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio_assets.reporting.charts import embed
from audio_assets.reporting.charts.calibration import calibration_chart
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.page.tables import HtmlTable
from audio_assets.reporting.words import finding_words, hearing_words, wording
from audio_assets.tables import CALIBRATION, FINDINGS


@dataclass(frozen=True)
class Checks:
    """The checks that were made and their results.

    Attributes
    ----------
    warnings, notes
        Sentences.
    tables
        Their numbers; those without rows are left out.
    calibration
        Vega-Lite JSON made safe for a script element; None if no model returns probabilities.
    """

    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    tables: tuple[HtmlTable, ...]
    calibration: str | None


def checks(content: ReportContent, species: str) -> Checks | None:
    """Return the checks of a species; None if there are none."""
    table = content.rows(FINDINGS)
    rows = table[table["species"] == species].to_dict("records")
    bins = content.rows(CALIBRATION)[content.rows(CALIBRATION)["species"] == species]
    if not rows and bins.empty:
        return None
    confounds = [row for row in rows if row["kind"] == "confound"]
    leaks = [row for row in rows if row["kind"] == "leak"]
    pairs = [row for row in rows if row["kind"] == "same_recording"]
    hearing = [row for row in rows if row["kind"] == "hearing"]
    notes = [finding_words.same_recording_note(pairs, content.title)]
    notes += [finding_words.confound_note(confounds), finding_words.unknown_recordings_note(rows)]
    notes += hearing_words.hearing_notes(hearing, content.title)
    notes += [finding_words.leak_sentence(row, content.title(row["model"])) for row in leaks]
    notes += [
        finding_words.calibration_sentence(of_model, content.title(str(model)))
        for model, of_model in bins.groupby("model")
    ]
    shown = [_hearing(content, hearing), _same_recording(content, pairs), _confounds(confounds)]
    shown += [_leaks(content, leaks), _bins(content, bins.to_dict("records"))]
    chart = None
    if not bins.empty:
        drawn = calibration_chart(bins, species=species, models=content.models)
        chart = embed.script_json(drawn.to_json())
    return Checks(
        warnings=tuple(finding_words.warnings_of(rows, content.title)),
        notes=tuple(note for note in notes if note),
        tables=tuple(table for table in shown if table.rows),
        calibration=chart,
    )


def unheard(content: ReportContent, species: str) -> dict[str, str]:
    """Return the remark on unheard sound to put beside each model's numbers: model -> remark."""
    table = content.rows(FINDINGS)
    rows = table[(table["species"] == species) & (table["kind"] == "hearing")].to_dict("records")
    return {
        str(row["model"]): f" ({hearing_words.hearing_in_brief(row)})"
        for row in rows
        if not wording.is_missing(row["share"])
    }


def _hearing(content: ReportContent, rows: finding_words.Rows) -> HtmlTable:
    return HtmlTable(
        caption="Sound of the positives above the range of a model",
        head=("model", "hears up to", "share above", "share of", "positive clips"),
        rows=tuple(
            (
                content.title(row["model"]),
                hearing_words.kilohertz(row["value"]),
                hearing_words.percent(row["share"]),
                str(row["subject"]),
                str(int(row["count"])),
            )
            for row in rows
            if not wording.is_missing(row["share"])
        ),
        numeric=frozenset({1, 2, 4}),
    )


def _same_recording(content: ReportContent, rows: finding_words.Rows) -> HtmlTable:
    return HtmlTable(
        caption="AUC without the pairs of clips from one recording",
        head=(
            "model",
            "clips per class",
            "pairs from one recording",
            "AUC",
            "without them",
            "status",
        ),
        rows=tuple(
            (
                content.title(row["model"]),
                str(int(row["count"])),
                f"{100 * float(row['share']):.1f} %",
                _number(row["auc"]),
                _number(row["value"]),
                str(row["status"]),
            )
            for row in rows
        ),
        numeric=frozenset({1, 2, 3, 4}),
    )


def _confounds(rows: finding_words.Rows) -> HtmlTable:
    return HtmlTable(
        caption="AUC of predicting the labels from file properties alone",
        head=("property", "folder", "AUC", "interval", "status"),
        rows=tuple(
            (
                finding_words.PROPERTY_WORDS[row["subject"]],
                str(row["variant"]),
                _number(row["value"]),
                _bounds(row, wording.interval),
                str(row["status"]),
            )
            for row in rows
        ),
        numeric=frozenset({2, 3}),
    )


def _leaks(content: ReportContent, rows: finding_words.Rows) -> HtmlTable:
    return HtmlTable(
        caption="AUC of folds over clips minus AUC of folds over recordings",
        head=("model", "clips per class", "difference", "interval over draws", "status"),
        rows=tuple(
            (
                content.title(row["model"]),
                wording.EMPTY if wording.is_missing(row["count"]) else str(int(row["count"])),
                (
                    wording.EMPTY
                    if wording.is_missing(row["value"])
                    else wording.signed(float(row["value"]))
                ),
                _bounds(row, wording.signed_interval),
                str(row["status"]),
            )
            for row in rows
        ),
        numeric=frozenset({1, 2, 3}),
    )


def _bins(content: ReportContent, rows: finding_words.Rows) -> HtmlTable:
    return HtmlTable(
        caption="Calibration at the largest size: predicted and observed shares",
        head=("model", "mean probability", "share positive", "clips", "recordings"),
        rows=tuple(
            (
                content.title(row["model"]),
                wording.share(row["predicted"]),
                wording.share(row["observed"]),
                str(int(row["clips"])),
                str(int(row["recordings"])),
            )
            for row in rows
        ),
        numeric=frozenset({1, 2, 3, 4}),
    )


def _number(value: Any) -> str:
    return wording.EMPTY if wording.is_missing(value) else wording.share(float(value))


def _bounds(row: Mapping[Any, Any], form: Any) -> str:
    if wording.is_missing(row["ci_low"]):
        return wording.EMPTY
    return str(form(float(row["ci_low"]), float(row["ci_high"])))
