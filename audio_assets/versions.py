"""Code versions of the assets: what makes a result out of date besides its inputs.

A version is a number, raised by hand when the code behind an asset changes its numbers, and the
settings that change them. Settings that change nothing (workers, roots) are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from audio_assets.encoders.registry import get_model
from audio_assets.settings import Settings

# The number, and the settings that change the asset's content.
_VERSIONS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "audio_inventory": (2, ("recording_patterns",)),
    "encoder_card": (1, ()),
    "balanced_manifest": (1, ("folds", "repeats", "seed")),
    "embeddings": (1, ("min_seconds", "max_seconds", "species_classes")),
    "fold_scores": (1, ("training_sizes", "protocol", "seed")),
    "fold_predictions": (1, ("training_sizes", "protocol", "seed")),
    "learning_curve": (1, ("ci_level",)),
    # The shares change no row; they are here so that a new limit is checked by the next run.
    "quarantine": (1, ("models", "quarantine_warn_share", "quarantine_error_share")),
    "model_comparison": (1, ("models", "ci_level", "target_auc")),
    "roc_auc_chart": (1, ("models",)),
    "experiment_report": (2, ("models", "species", "ci_level", "target_auc", "species_classes")),
}

_LEARNING_CURVE_LINEAGE = (
    "audio_inventory",
    "balanced_manifest",
    "embeddings",
    "fold_scores",
    "learning_curve",
)


def code_version(asset: str, settings: Settings) -> str:
    """Version of an asset's code and settings, e.g. ``1-9f86d081``; ``1`` without settings."""
    number, names = _VERSIONS[asset]
    if not names:
        return str(number)
    values = settings.model_dump(mode="json", include=set(names))
    return f"{number}-{_digest(values)}"


def numbers_version(model: str, settings: Settings) -> str:
    """One version for all the code and settings behind a model's learning curve.

    Written into ``learning_curves.csv``, so that rows of unequal origin can be told apart.
    """
    spec = get_model(model)
    lineage: dict[str, str] = {
        name: code_version(name, settings) for name in _LEARNING_CURVE_LINEAGE
    }
    return _digest({**lineage, "head": spec.head, "variant": spec.variant})


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
