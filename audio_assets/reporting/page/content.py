"""What the report shows, gathered by the caller; nothing is read from disk or settings here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audio_assets.catalog.recordings import NO_LINE
from audio_assets.reporting.page.copies import Copies
from audio_assets.reporting.words.sentences import Answer, answers, sentences

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ReportContent:
    """Everything that :func:`audio_assets.reporting.page.page.render_report` puts on the page.

    Attributes
    ----------
    curves, comparisons, quarantine
        Rows of :data:`~audio_assets.tables.LEARNING_CURVE`,
        :data:`~audio_assets.tables.MODEL_COMPARISON` and :data:`~audio_assets.tables.QUARANTINE`
        over all species.
    findings, calibration
        Rows of :data:`~audio_assets.tables.FINDINGS` and :data:`~audio_assets.tables.CALIBRATION`
        over all species.
    hard_clips, embedding_maps
        Rows of :data:`~audio_assets.tables.HARD_CLIPS` and
        :data:`~audio_assets.tables.EMBEDDING_MAP` over all species, of the best model of each.
    charts
        Species -> Vega-Lite JSON; a species without one is said to have no chart.
    notice
        First line of the page, such as that the audio is synthetic.
    recording_rules
        Columns species, rule and clips: how recordings were told from clip names.
    class_labels
        Species -> encoder -> class labels whose scores are the untrained point.
    left_out
        Model -> why it took no part at all.
    missing
        (species, model, reason) of each pair without a result.
    settings, provenance
        Name -> value. A time is shown only if the caller puts one here, so that equal content
        gives an equal page.
    models
        Model -> title; a model that is not in it is called by its key.
    quarantine_shares
        Species -> clips in quarantine, and clips in the folders that a model reads.
    losses
        Species -> how many of its clips were not used and why, in words, where any were not.
    removed
        (species, variant, clip_id) of each clip that is gone.
    copies
        Clips with equal bytes, and clips that sound the same.
    unchecked
        Species whose quarantine could not be made anew: of earlier audio or settings, or none.
    """

    curves: pd.DataFrame
    comparisons: pd.DataFrame
    quarantine: pd.DataFrame
    findings: pd.DataFrame
    calibration: pd.DataFrame
    hard_clips: pd.DataFrame
    embedding_maps: pd.DataFrame
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

    def title(self, model: str) -> str:
        """What the model is called."""
        return self.models.get(model, model)

    def species(self) -> list[str]:
        """All species that anything is said of, in alphabetical order."""
        return sorted(
            {*self.charts, *self.curves["species"], *self.recording_rules["species"]}
            | {species for species, _, _ in self.missing}
        )

    def clips_without_line(self, species: str) -> tuple[int, int]:
        """Clips of a species, and those without a line in a ``clips.csv`` that has some for it."""
        rules = self.recording_rules[self.recording_rules["species"] == species]
        unnamed = rules.loc[rules["rule"].str.endswith(NO_LINE), "clips"]
        return int(rules["clips"].sum()), int(unnamed.sum())

    def not_looked_at(self) -> list[str]:
        """Species of whose clips no model tells whether they can be used."""
        return sorted({*self.species()} - {*self.curves["species"], *self.quarantine["species"]})

    def last_look_failed(self) -> list[str]:
        """Species of whose clips is told what an earlier look found, or nothing."""
        return sorted({*self.unchecked} & {*self.species()} - {*self.not_looked_at()})

    def answers(self) -> list[Answer]:
        """Answers of all species; see :func:`audio_assets.reporting.words.sentences.answers`."""
        return answers(self.curves, self.comparisons, self.models)

    def answers_markdown(self) -> str:
        """The answers as a Markdown list, a species an item, without markup from names."""
        lines = sentences(self.answers()).values()
        return "\n".join(f"- {_plain(line)}" for line in lines) or "No species has a result."


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would take for markup."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
