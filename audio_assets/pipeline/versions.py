"""Code versions of the assets, which make a result out of date besides its inputs.

A version is a number, raised by hand when the code behind an asset changes its content, and the
settings that change it; both stand in :mod:`audio_assets.pipeline.stages`. Settings that change
nothing (workers, roots) are left out.
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

With the prefix by which Dagster keeps tags to itself: the JSON filled the UI's list of runs.
"""
EARLIER_VERSIONS_TAG = "audio_assets/versions"
"""Its earlier name, which runs have that were asked for before an upgrade."""

# Settings that the other protocol alone reads: changing them makes nothing stale.
_NOT_READ = {"cv": {"holdout_per_class"}, "holdout": {"folds"}}


def code_version(asset: str, settings: Settings) -> str:
    """Version of an asset's code and settings, e.g. ``1-9f86d081``; ``1`` without settings."""
    number, values = _own(asset, settings)
    # A learning curve names the version of all that is behind it, and stages that ignore what is
    # out of date leave out curves of another version: each looks again when any of it changes,
    # also where the numbers stay the same.
    if asset == LEARNING_CURVE.name or STAGES[asset].current:
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
    stage = STAGES[asset]
    read = set(stage.settings) - _NOT_READ[settings.protocol]
    values = settings.model_dump(mode="json", include=read) if read else {}
    if stage.reads_audio and find_spec("av") is not None:
        values["formats"] = "more"
    if asset == "clip_properties":
        # The clips that are measured: those of PERCH_VARIANT too, and of no model's name.
        values["variants"] = sorted({settings.variant(model) for model in settings.models})
    return stage.version, values


def _lineage(settings: Settings) -> dict[str, Any]:
    return {stage.name: _own(stage.name, settings) for stage in lineage_of_curves()}


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
