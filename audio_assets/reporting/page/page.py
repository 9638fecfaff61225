"""Render the report as one HTML file that opens from disk and needs no network.

Each section has a function here or in :mod:`audio_assets.reporting.page.tables` for its content,
and a template for its layout. The templates escape all values, and a Content-Security-Policy lets
only the page's own scripts run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audio_assets.reporting.charts import embed
from audio_assets.reporting.page import checks as page_checks
from audio_assets.reporting.page import clips as page_clips
from audio_assets.reporting.page import maps as page_map
from audio_assets.reporting.page import tables as page_tables
from audio_assets.reporting.page.cards import Card, card
from audio_assets.reporting.page.checks import Checks
from audio_assets.reporting.page.clips import HardClips
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.page.heat_map import heat_map
from audio_assets.reporting.page.maps import PageMap
from audio_assets.reporting.page.tables import HtmlTable
from audio_assets.reporting.words import finding_words, reading_words, wording
from audio_assets.reporting.words.sentences import METRIC, Answer, sentence
from audio_assets.tables import MODEL_COMPARISON

TITLE = "How many labelled clips are enough?"
FEW_ROWS = 20
"""A longer list of clips starts folded."""


@dataclass(frozen=True)
class SpeciesSection:
    """The page's section on one species.

    Attributes
    ----------
    anchor
        Id of the section in the page.
    card
        The answer, for the first screen.
    sentences
        Result of each model.
    warnings
        What puts the results in doubt.
    specification
        Vega-Lite JSON made safe for a script element; None without a chart.
    tables
        Tables shown open, in this order.
    folded
        Tables that a reader can unfold.
    checks
        Results of the checks of the data; None if none was made.
    hard_clips
        Clips that the best model gets most wrong; None if no model has a result.
    embedding_map
        Map of the clips by the best model's encoder; None if no model has a result.
    loss
        Number of unused clips, with reasons; None if every clip was used, or none was checked.
    files
        Format, such as ``CSV`` -> link to the published file of the chart.
    """

    species: str
    words: str
    anchor: str
    card: Card
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    specification: str | None
    tables: tuple[HtmlTable, ...]
    folded: tuple[HtmlTable, ...]
    checks: Checks | None
    hard_clips: HardClips | None
    embedding_map: PageMap | None
    loss: str | None
    files: Mapping[str, str]


def render_report(report: ReportContent) -> str:
    """Write the report as one HTML file.

    Parameters
    ----------
    report
        Content of the report.

    Returns
    -------
    str
        The page. Equal content returns equal text: the only time in it is that of the content, and
        it contains no random id. Vega is
        inlined once, 0.9 MB, whatever the number of charts.

    Raises
    ------
    ValueError
        The tables contradict each other; see
        :func:`audio_assets.reporting.words.sentences.answers`.
    """
    bundle, script = embed.vega_bundle(), embed.template_text("charts.js")
    sections = species_sections(report)
    return (
        embed.templates()
        .get_template("page.html.j2")
        .render(
            title=TITLE,
            made=report.made,
            reading=reading_words,
            notice=report.notice,
            policy=embed.content_policy([bundle, script]),
            style=embed.template_text("style.css"),
            bundle=bundle if any(section.specification for section in sections) else "",
            script=script,
            sections=sections,
            heat_map=heat_map(report),
            targets=_targets(report),
            levels=_levels(report),
            left_out=sorted(report.title(model) for model in report.left_out),
            protocols=_kinds(report, "protocol"),
            ci_methods=_kinds(report, "ci_method"),
            quarantine=_quarantine(report),
            never_checked=report.never_checked(),
            last_check_failed=report.last_check_failed(),
            any_checked=len(report.species())
            > len(report.never_checked()) + len(report.last_check_failed()),
            readings=page_tables.readings(report),
            removed=page_tables.removed_clips(report) if report.removed else None,
            copies=report.copies,
            not_compared=report.copies.not_looked_at if report.copies.encoder else (),
            few_rows=FEW_ROWS,
            without_result=_without_result(report),
            about=_about(report),
        )
    )


def species_sections(report: ReportContent) -> list[SpeciesSection]:
    """Return one section per species in the report."""
    by_species: dict[str, list[Answer]] = {}
    for answer in report.answers():
        by_species.setdefault(answer.species, []).append(answer)
    media = page_clips.affordable_media(report)
    return [
        _species_section(report, species, by_species.get(species, []), number, media)
        for number, species in enumerate(report.species(), start=1)
    ]


def _species_section(
    report: ReportContent,
    species: str,
    found: Sequence[Answer],
    number: int,
    media: Mapping[tuple[str, str], str],
) -> SpeciesSection:
    compared = page_tables.comparisons(report, species)
    shown = [
        page_tables.clips_needed(found) if found else None,
        compared[0] if compared else None,
        page_tables.recordings_behind(report, species),
        page_tables.recording_rules(report, species),
        page_tables.class_labels(report, species),
    ]
    chart = report.charts.get(species)
    unheard = page_checks.unheard(report, species)
    texts = [sentence(answer) + unheard.get(answer.model, "") for answer in found]
    warnings: list[str] = []
    texts += [
        f"{report.title(model)}: no result: {reason}"
        for name, model, reason in sorted(report.missing)
        if name == species and model not in report.left_out
    ]
    unnamed = finding_words.clips_csv_warning(*report.clips_without_line(species))
    if unnamed is not None:
        warnings.append(f"Warning: {unnamed}")
    checks = page_checks.checks(report, species)
    hard_clips = page_clips.hard_clips(report, species, media)
    if checks is not None:
        warnings += [f"Warning: {text}" for text in checks.warnings]
    return SpeciesSection(
        species=species,
        words=wording.species_in_words(species),
        # Species keys are safe in an id, but the report may name a folder that breaks their rule.
        anchor=f"species-{species}" if _is_plain(species) else f"species-{number}",
        card=card(report, species),
        sentences=tuple(texts) or ("No model has a result.",),
        warnings=tuple(warnings),
        specification=embed.script_json(chart) if chart is not None else None,
        tables=tuple(table for table in shown if table is not None),
        folded=(compared[1],) if compared and compared[1].rows != compared[0].rows else (),
        checks=checks,
        hard_clips=hard_clips,
        embedding_map=page_map.embedding_map(
            report, species, page_clips.playable(hard_clips) if hard_clips else ()
        ),
        loss=page_tables.loss_of(report, species),
        files=report.chart_files.get(species, {}),
    )


def _is_plain(species: str) -> bool:
    return species.replace("_", "").replace("-", "").isalnum() and species.isascii()


def _targets(report: ReportContent) -> str:
    targets = sorted(set(report.rows(MODEL_COMPARISON)["target"].dropna()))
    return " and ".join(f"{target:g}" for target in targets)


def _levels(report: ReportContent) -> str:
    return " and ".join(wording.percent(level) for level in sorted(set(report.curves["ci_level"])))


def _kinds(report: ReportContent, column: str) -> list[str]:
    rows = report.curves[report.curves["metric"] == METRIC]
    return sorted(set(rows[column]))


def _quarantine(report: ReportContent) -> Mapping[str, object] | None:
    if report.quarantine.empty:
        return None
    return {
        "shares": page_tables.quarantine_shares(report),
        "counts": page_tables.quarantine_counts(report.quarantine),
        "clips": page_tables.quarantined_clips(report.quarantine),
        "open": len(report.quarantine) <= FEW_ROWS,
    }


def _without_result(report: ReportContent) -> list[HtmlTable]:
    tables = [page_tables.left_out(report), page_tables.missing(report)]
    return [table for table in tables if table.rows]


def _about(report: ReportContent) -> list[HtmlTable]:
    tables = [
        page_tables.models_used(report),
        page_tables.names_and_values("Provenance", report.provenance),
        page_tables.names_and_values("Settings", report.settings),
    ]
    return [table for table in tables if table.rows]
