"""The published layout of a results root, which is a contract with other tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upath import UPath

CHART_FORMATS = ("html", "svg", "png", "json", "csv")
"""Files of a chart: four pictures of it, and its numbers."""


@dataclass(frozen=True)
class ResultsLayout:
    """Paths under a results root."""

    root: UPath

    @property
    def learning_curves(self) -> UPath:
        """CSV file of the learning curves of all species and models."""
        return self.root / "learning_curves.csv"

    @property
    def comparisons(self) -> UPath:
        """CSV file of the comparisons and clips needed."""
        return self.root / "comparisons.csv"

    @property
    def answers(self) -> UPath:
        """CSV file of the answer about each species."""
        return self.root / "answers.csv"

    @property
    def quarantine(self) -> UPath:
        """CSV file of the clips that could not be used."""
        return self.root / "quarantine.csv"

    @property
    def report(self) -> UPath:
        """The report, one HTML file."""
        return self.root / "report" / "index.html"

    @property
    def reported_clips(self) -> UPath:
        """Parquet file of the clips known to the report."""
        return self.root / "report" / "clips.parquet"

    def chart(self, species: str, form: str) -> UPath:
        """Return the path of a species' chart; ``form`` is one of :data:`CHART_FORMATS`."""
        return self.root / "learning_curves" / f"{species}.{form}"

    def table(self, name: str, *partition: str) -> UPath:
        """Return the path of a table's partition, such as ``{name}/{model}/{species}.parquet``."""
        return self.root.joinpath(name, *partition[:-1], f"{partition[-1]}.parquet")
