"""Definitions of the tables that stages exchange and that a run publishes.

Names, types, units and meanings of the columns belong here, and nothing else: the modules import
only the standard library, so that the Dagster UI's column schema, the pandera check
(:mod:`audio_assets.results.validation`) and the Parquet schema
(:mod:`audio_assets.results.parquet`) can each be built from them without the imports of the others.
"""

from importlib import import_module
from pkgutil import iter_modules

from audio_assets.tables.answers import ANSWER
from audio_assets.tables.clips import (
    AUDIO_INVENTORY,
    BALANCED_MANIFEST,
    CLIP_DIGESTS,
    CLIP_PROPERTIES,
    EMBEDDINGS,
    NEAR_DUPLICATES,
    NO_CLIPS,
    QUARANTINE,
    QUARANTINE_REASONS,
    REPORTED_CLIPS,
    SPECTRUM_EDGES_HZ,
)
from audio_assets.tables.columns import LABELS, METRICS, PROTOCOLS, VARIANTS
from audio_assets.tables.comparison import MODEL_COMPARISON
from audio_assets.tables.findings import (
    CALIBRATION,
    EMBEDDING_MAP,
    FINDINGS,
    HARD_CLIPS,
    LEAK_CHECK,
)
from audio_assets.tables.schema import Column, Table
from audio_assets.tables.scores import (
    BOOTSTRAP_SCORES,
    CURVE_ROWS,
    EVALUATION,
    FOLD_PREDICTIONS,
    FOLD_SCORES,
    LEARNING_CURVE,
    ROC_AUC_CHART,
)

__all__ = [
    "ALL_TABLES",
    "ANSWER",
    "AUDIO_INVENTORY",
    "BALANCED_MANIFEST",
    "BOOTSTRAP_SCORES",
    "CALIBRATION",
    "CLIP_DIGESTS",
    "CLIP_PROPERTIES",
    "CURVE_ROWS",
    "Column",
    "EMBEDDINGS",
    "EMBEDDING_MAP",
    "EVALUATION",
    "FINDINGS",
    "FOLD_PREDICTIONS",
    "FOLD_SCORES",
    "HARD_CLIPS",
    "LABELS",
    "LEAK_CHECK",
    "LEARNING_CURVE",
    "METRICS",
    "MODEL_COMPARISON",
    "NEAR_DUPLICATES",
    "NO_CLIPS",
    "PROTOCOLS",
    "QUARANTINE",
    "QUARANTINE_REASONS",
    "REPORTED_CLIPS",
    "ROC_AUC_CHART",
    "SPECTRUM_EDGES_HZ",
    "Table",
    "VARIANTS",
]


def _defined_tables() -> tuple[Table, ...]:
    found: dict[str, Table] = {}
    for module in iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, Table) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"two tables are called {value.name}")
    return tuple(table for _, table in sorted(found.items()))


ALL_TABLES = _defined_tables()
"""Every table that a module of this folder defines, by name."""
