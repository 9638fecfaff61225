"""The content of the report, gathered by the caller; nothing is read from disk or settings here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audio_assets.catalog.recordings import NO_LINE
from audio_assets.reporting.page.copies import Copies
from audio_assets.reporting.words.sentences import Answer, answers, sentences
from audio_assets.tables import MODEL_COMPARISON, Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ReportContent:
    """Everything that :func:`audio_assets.reporting.page.page.render_report` puts on the page.

    Attributes
    ----------
    curves, quarantine
        Rows of :data:`~audio_assets.tables.LEARNING_CURVE` and
        :data:`~audio_assets.tables.QUARANTINE` over all species.
    tables
        Name of any other table -> its rows over all species.
    charts
        Species -> Vega-Lite JSON; for a species without one the page says so.
    notice
        First line of the page, for example that the audio is synthetic.
    recording_rules
        Columns species, rule and clips: the rules that found the recordings of the clips.
    class_labels
        Species -> encoder -> class labels whose scores are the untrained point.
    left_out
        Model -> reason why it was left out altogether.
    missing
        (species, model, reason) of each pair without a result.
    settings, provenance
        Name -> value.
    made
        When the report was made, and with which versions, as a sentence; empty if not known. The
        page shows no other time, so that equal content renders to an equal page.
    chart_files
        Species -> format, such as ``CSV`` -> link from the report to the published file of its
        chart; only charts whose published files show these curves.
    models
        Model -> title; a model that is not in it is called by its key.
    quarantine_shares
        Species -> clips in quarantine, and clips in the folders that a model reads.
    losses
        Species -> number of unused clips and the reasons, in words; only species with such clips.
    removed
        (species, variant, clip_id) of each clip that no longer exists.
    copies
        Clips with equal bytes, and clips that sound the same.
    unchecked
        Species whose quarantine could not be updated: it is missing, or made from earlier audio
        or settings.
    """

    curves: pd.DataFrame
    quarantine: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    charts: Mapping[str, str]
    notice: str | None
    recording_rules: pd.DataFrame
    class_labels: Mapping[str, Mapping[str, Sequence[str]]]
    left_out: Mapping[str, str]
    missing: Sequence[tuple[str, str, str]]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    models: Mapping[str, str] = field(default_factory=dict)
    quarantine_shares: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    losses: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[tuple[str, str, str]] = ()
    copies: Copies = Copies()
    unchecked: Sequence[str] = ()
    made: str = ""
    chart_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def rows(self, table: Table) -> pd.DataFrame:
        """Return the rows of a table over all species."""
        return self.tables[table.name]

    def title(self, model: str) -> str:
        """Return a model's title."""
        return self.models.get(model, model)

    def species(self) -> list[str]:
        """Return all species of the report, in alphabetical order."""
        return sorted(
            {*self.charts, *self.curves["species"], *self.recording_rules["species"]}
            | {species for species, _, _ in self.missing}
        )

    def clips_without_line(self, species: str) -> tuple[int, int]:
        """Count a species' clips, and those without a line in a ``clips.csv`` that lists others."""
        rules = self.recording_rules[self.recording_rules["species"] == species]
        unnamed = rules.loc[rules["rule"].str.endswith(NO_LINE), "clips"]
        return int(rules["clips"].sum()), int(unnamed.sum())

    def never_checked(self) -> list[str]:
        """Return the species whose clips no model has tried to read yet."""
        return sorted({*self.species()} - {*self.curves["species"], *self.quarantine["species"]})

    def last_check_failed(self) -> list[str]:
        """Return the species for which only an earlier check of the clips is known, or none."""
        return sorted({*self.unchecked} & {*self.species()} - {*self.never_checked()})

    def answers(self) -> list[Answer]:
        """Return :func:`audio_assets.reporting.words.sentences.answers` for all species."""
        return answers(self.curves, self.rows(MODEL_COMPARISON), self.models)

    def answers_markdown(self) -> str:
        """Return the answers as a Markdown list, one item per species, with names escaped."""
        lines = sentences(self.answers()).values()
        return "\n".join(f"- {_plain(line)}" for line in lines) or "No species has a result."


def _plain(text: str) -> str:
    """Escape everything that Markdown or HTML would read as markup."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
