"""Open the audio root and the results root of the settings.

The layout of the results root is defined in :mod:`audio_assets.results.layout`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.objects.roots import open_root
from audio_assets.settings import Settings
from audio_assets.tables import Table

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

    from audio_assets.results.layout import ResultsLayout


@dataclass(frozen=True)
class Roots:
    """The two roots.

    Attributes
    ----------
    settings
        Settings that name both roots.
    patience
        Seconds after which to give up on a bucket that fails, if other than two minutes.
    """

    settings: Settings
    patience: float | None = None

    @property
    def audio(self) -> UPath:
        """The audio root; a :class:`SettingsError` if it is not set."""
        return open_root(self.settings.require_audio_root(), patience=self.patience)

    @property
    def results(self) -> ResultsLayout:
        """Paths of everything under the results root."""
        from audio_assets.results.layout import ResultsLayout

        return ResultsLayout(open_root(self.settings.results_root, patience=self.patience))

    def last_version(self, table: Table, species: str, log: logging.Logger) -> pd.DataFrame | None:
        """Read the last table of a species; None if there is none, or if it is damaged."""
        from audio_assets.results.parquet import read_table

        try:
            return read_table(self.results.table(table.name, species), table)
        except FileNotFoundError:
            return None
        except ResultsError as damage:
            log.warning(f"All clips are read again: {damage}")
            return None
