"""Compute the code versions of the assets, which make results out of date as inputs do.

A version consists of a number, raised by hand when the code of an asset changes its content, and of
the settings that change it. Both are in :mod:`audio_assets.pipeline.stages`. Settings without
influence on the content (workers, roots) are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from audio_assets.errors import SettingsError
from audio_assets.models.registry import get_model
from audio_assets.pipeline.stage_graph import lineage_of_curves
from audio_assets.pipeline.stages import STAGES
from audio_assets.settings import Settings
from audio_assets.tables import LEARNING_CURVE

VERSIONS_TAG = ".dagster/audio_assets_versions"
"""Tag of a run that a sensor or schedule requested: the versions of its assets at that time.

It has the prefix of tags that Dagster hides: the JSON filled the UI's list of runs.
"""
EARLIER_VERSIONS_TAG = "audio_assets/versions"
"""Its earlier name, on runs that were requested before an upgrade."""

# Settings that only the other protocol reads: changing them makes nothing stale.
_NOT_READ = {"cv": {"holdout_per_class"}, "holdout": {"folds"}}


def code_version(asset: str, settings: Settings) -> str:
    """Return the version of an asset's code and settings: ``1-9f86d081``, or ``1`` without any."""
    number, values = _own(asset, settings)
    # A learning curve records the version of its whole lineage, and stages that ignore outdated
    # inputs leave out curves of another version. Each is therefore evaluated again when any part of
    # the lineage changes, even if the numbers stay the same.
    if asset == LEARNING_CURVE.name or STAGES[asset].current:
        values["lineage"] = _lineage(settings)
    return f"{number}-{_digest(values)}" if values else str(number)


def versions_tag(assets: Iterable[str], settings: Settings) -> str:
    """Return the value of :data:`VERSIONS_TAG` for a run: asset to code version, as JSON."""
    return json.dumps({asset: code_version(asset, settings) for asset in assets})


def require_versions(tag: str, settings: Settings) -> None:
    """Check that assets have the versions here that they had where their run was requested.

    The sensor that requested the run would see its results as stale and request it without end.

    Parameters
    ----------
    tag
        From :func:`versions_tag`.

    Raises
    ------
    SettingsError
        If not; it names the assets.
    """
    asked: dict[str, str] = json.loads(tag)
    other = [asset for asset, one in asked.items() if one != code_version(asset, settings)]
    if other:
        raise SettingsError(
            "This run has other settings (or other code) than the sensor or schedule that "
            f"requested it: they result in another version of {', '.join(other)}.",
            "Restart the code server (on one machine `dagster dev` or `make ui`), so that it reads "
            "the settings again.",
        )


def numbers_version(model: str, settings: Settings) -> str:
    """Return one version for all the code and settings behind a model's learning curve.

    ``learning_curves.csv`` contains it, to distinguish rows of different origin.
    """
    spec = get_model(model)
    return _digest(
        {"head": spec.head, "variant": settings.variant(model), "lineage": _lineage(settings)}
    )


def _own(asset: str, settings: Settings) -> tuple[int, dict[str, Any]]:
    stage = STAGES[asset]
    read = set(stage.settings) - _NOT_READ[settings.protocol]
    values = settings.model_dump(mode="json", include=read) if read else {}
    if stage.reads_audio and find_spec("av") is not None:
        values["formats"] = "more"
    if asset == "clip_properties":
        # Measured clips depend on PERCH_VARIANT as well, but not on the names of the models.
        values["variants"] = sorted({settings.variant(model) for model in settings.models})
    return stage.version, values


def _lineage(settings: Settings) -> dict[str, Any]:
    return {stage.name: _own(stage.name, settings) for stage in lineage_of_curves()}


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
