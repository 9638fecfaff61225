"""The report's section on copied clips: clips with equal bytes, or with the same sound.

Finding the copies belongs elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from audio_assets.reporting.page.html_table import HtmlTable


class EqualBytes(NamedTuple):
    """A clip with the same bytes as another; ``status`` as in the inventory."""

    species: str
    variant: str
    clip: str
    other: str
    status: str


class AlikePair(NamedTuple):
    """Two clips that sound the same."""

    species: str
    variant: str
    clip: str
    other: str
    cosine: float
    contradictory: bool
    same_recording: bool


class JoinedGroup(NamedTuple):
    """Recordings that count as one, out of ``of`` recordings of the species."""

    species: str
    recordings: tuple[str, ...]
    of: int
    too_large: bool


@dataclass(frozen=True)
class Copies:
    """All copies that were found.

    Attributes
    ----------
    encoder
        Encoder whose embeddings were compared; empty if sounds were not compared.
    above
        Cosine of its embeddings above which two clips sound the same.
    not_looked_at
        Species whose sounds have not been compared yet; copies with equal bytes are known.
    """

    encoder: str = ""
    above: float = 1.0
    equal_bytes: Sequence[EqualBytes] = ()
    pairs: Sequence[AlikePair] = ()
    groups: Sequence[JoinedGroup] = ()
    not_looked_at: Sequence[str] = ()

    def warnings(self) -> list[str]:
        """Return one sentence per finding that a user should look into."""
        found = [
            f"{group.species}: {len(group.recordings)} of {group.of} recordings count as one. If "
            f"their clips are not copies, AUDIO_ASSETS_DUPLICATE_COSINE ({self.above:g}) is too "
            "low for this audio."
            for group in self.groups
            if group.too_large
        ]
        species = sorted({pair.species for pair in self.pairs if pair.contradictory})
        return found + [
            f"{name}: clips that sound the same are labelled pos and neg; one of the labels is "
            "wrong."
            for name in species
        ]

    def tables(self) -> list[HtmlTable]:
        """Return the tables that have rows."""
        tables = [_groups(self.groups), _pairs(self.pairs), _equal_bytes(self.equal_bytes)]
        return [table for table in tables if table.rows]


def _groups(groups: Sequence[JoinedGroup]) -> HtmlTable:
    return HtmlTable(
        caption="Recordings that count as one, because their clips sound the same",
        head=("species", "recordings", "of", "which"),
        rows=tuple(
            (g.species, str(len(g.recordings)), str(g.of), ", ".join(g.recordings)) for g in groups
        ),
        numeric=frozenset({1, 2}),
    )


def _pairs(pairs: Sequence[AlikePair]) -> HtmlTable:
    return HtmlTable(
        caption="Clips that sound the same",
        head=("clip", "sounds like", "species", "folder", "cosine", "labels", "recordings"),
        rows=tuple(
            (
                pair.clip,
                pair.other,
                pair.species,
                pair.variant,
                f"{pair.cosine:.4f}",
                "contradictory" if pair.contradictory else "equal",
                "the same" if pair.same_recording else "joined",
            )
            for pair in sorted(pairs, key=lambda p: (not p.contradictory, p.same_recording, p))
        ),
        numeric=frozenset({4}),
    )


def _equal_bytes(clips: Sequence[EqualBytes]) -> HtmlTable:
    use = {
        "duplicate": "not used: a copy",
        "both_labels": "neither is used: contradictory labels",
    }
    return HtmlTable(
        caption="Clips with equal bytes",
        head=("clip", "same bytes as", "species", "folder", "use"),
        rows=tuple((c.clip, c.other, c.species, c.variant, use[c.status]) for c in clips),
    )
