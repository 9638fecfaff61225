"""Code versions of the assets: what makes a result out of date besides its inputs.

A version is a number, raised by hand when the code behind an asset changes its numbers, and the
settings that change them. Settings that change nothing (workers, roots) are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from audio_assets.errors import SettingsError
from audio_assets.models.registry import get_model
from audio_assets.settings import Settings

VERSIONS_TAG = ".dagster/audio_assets_versions"
"""Of a run that a sensor or schedule asked for: the versions of its assets as these know them.

With the prefix by which Dagster keeps tags to itself: the JSON filled the UI's list of runs.
"""
EARLIER_VERSIONS_TAG = "audio_assets/versions"
"""Its earlier name, which runs have that were asked for before an upgrade."""

# The number, and the settings that change the asset's content.
_VERSIONS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "audio_inventory": (5, ("recording_patterns",)),
    "clip_digests": (2, ()),
    "clip_properties": (2, ("min_seconds", "max_seconds", "max_samples")),
    "encoder_card": (1, ()),
    "duplicate_encoder": (1, ("duplicate_encoder",)),
    "near_duplicates": (
        4,
        ("duplicate_encoder", "duplicate_cosine", "min_seconds", "max_seconds", "max_samples"),
    ),
    "balanced_manifest": (4, ("protocol", "folds", "holdout_per_class", "repeats", "seed")),
    "embeddings": (2, ("min_seconds", "max_seconds", "max_samples", "species_classes")),
    "fold_scores": (6, ("training_sizes", "protocol", "seed")),
    "fold_predictions": (6, ("training_sizes", "protocol", "seed")),
    "bootstrap_scores": (3, ("training_sizes", "protocol", "seed", "bootstrap")),
    "learning_curve": (8, ("ci_level", "bootstrap")),
    "leak_check": (6, ("ci_level",)),
    "calibration": (2, ("models",)),
    "findings": (7, ("models", "ci_level", "confound_warn_auc", "perch_variant")),
    "hard_clips": (2, ("models", "perch_variant")),
    "embedding_map": (1, ("models", "perch_variant")),
    # The shares change no row; they are here so that a new limit is checked by the next run.
    "quarantine": (1, ("models", "quarantine_warn_share", "quarantine_error_share")),
    "model_comparison": (6, ("models", "ci_level", "target_auc")),
    "roc_auc_chart": (3, ("models", "perch_variant")),
    "experiment_report": (
        14,
        (
            "models",
            "species",
            "ci_level",
            "target_auc",
            "species_classes",
            "perch_variant",
            "duplicate_encoder",
            "duplicate_cosine",
        ),
    ),
}

# With the extra `formats` clips can be used that cannot without.
_READ_AUDIO = ("clip_properties", "near_duplicates", "embeddings", "hard_clips")

# Settings that the other protocol alone reads: changing them makes nothing stale.
_NOT_READ = {"cv": {"holdout_per_class"}, "holdout": {"folds"}}

_LEARNING_CURVE_LINEAGE = (
    "audio_inventory",
    "clip_digests",
    "near_duplicates",
    "balanced_manifest",
    "embeddings",
    "fold_scores",
    "bootstrap_scores",
    "learning_curve",
)

# A learning curve names the version of all that is behind it, and the others leave out curves of
# another version: each looks again when any of it changes, also where the numbers stay the same.
_KNOW_THE_LINEAGE = (
    "learning_curve",
    "roc_auc_chart",
    "model_comparison",
    "hard_clips",
    "embedding_map",
    "experiment_report",
)


def code_version(asset: str, settings: Settings) -> str:
    """Version of an asset's code and settings, e.g. ``1-9f86d081``; ``1`` without settings."""
    number, values = _own(asset, settings)
    if asset in _KNOW_THE_LINEAGE:
        values["lineage"] = _lineage(settings)
    return f"{number}-{_digest(values)}" if values else str(number)


def versions_tag(assets: Iterable[str], settings: Settings) -> str:
    """Value of :data:`VERSIONS_TAG` for a run of these assets: asset to code version, as JSON."""
    return json.dumps({asset: code_version(asset, settings) for asset in assets})


def require_versions(tag: str, settings: Settings) -> None:
    """Raise if assets have other versions here than where their run was asked for.

    What such a run made would be stale to who asked for it, and asked for again without end.

    Parameters
    ----------
    tag
        From :func:`versions_tag`.

    Raises
    ------
    SettingsError
        Naming the assets.
    """
    asked: dict[str, str] = json.loads(tag)
    other = [asset for asset, one in asked.items() if one != code_version(asset, settings)]
    if other:
        raise SettingsError(
            "This run has other settings (or other code) than the sensor or schedule that asked "
            f"for it: they give another version of {', '.join(other)}.",
            "Restart the code server (on one machine `dagster dev` or `make ui`), so that it reads "
            "the settings again.",
        )


def numbers_version(model: str, settings: Settings) -> str:
    """One version for all the code and settings behind a model's learning curve.

    Written into ``learning_curves.csv``, so that rows of unequal origin can be told apart.
    """
    spec = get_model(model)
    return _digest(
        {"head": spec.head, "variant": settings.variant(model), "lineage": _lineage(settings)}
    )


def _own(asset: str, settings: Settings) -> tuple[int, dict[str, Any]]:
    number, names = _VERSIONS[asset]
    read = set(names) - _NOT_READ[settings.protocol]
    values = settings.model_dump(mode="json", include=read) if read else {}
    if asset in _READ_AUDIO and find_spec("av") is not None:
        values["formats"] = "more"
    if asset == "clip_properties":
        # The clips that are measured: those of PERCH_VARIANT too, and of no model's name.
        values["variants"] = sorted({settings.variant(model) for model in settings.models})
    return number, values


def _lineage(settings: Settings) -> dict[str, Any]:
    return {asset: _own(asset, settings) for asset in _LEARNING_CURVE_LINEAGE}


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
