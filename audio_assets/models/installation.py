"""Find out which models have no weights on this machine, and say how to install them."""

from __future__ import annotations

from collections.abc import Mapping

from audio_assets.errors import AudioAssetsError, MissingWeightsError
from audio_assets.models.registry import get_encoder, get_model
from audio_assets.weights.places import WeightPlaces, locate_weights


def missing_weights(model: str, places: WeightPlaces) -> MissingWeightsError | None:
    """Return the error of a model whose weights are in none of the places, else None.

    Weights that are damaged or cannot be read are not missing: loading them reports what is wrong.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    """
    spec = get_encoder(get_model(model).encoder)
    if spec.source is None:
        return None
    try:
        locate_weights(spec.name, spec.source, places, model=model)
    except MissingWeightsError as error:
        return error
    except AudioAssetsError:
        return None
    return None


def not_installed_words(missing: Mapping[str, MissingWeightsError]) -> str:
    """Return "not installed: ..." with what installs these models; empty without any.

    Parameters
    ----------
    missing
        Model -> error from :func:`missing_weights`.
    """
    if not missing:
        return ""
    fetchable = [model for model in missing if _is_fetchable(model)]
    ways = []
    if fetchable:
        options = " ".join(f"--model {model}" for model in fetchable)
        ways.append(f"audio-assets weights fetch {options}")
    ways += [f"{model}: {missing[model].remedy}" for model in missing if model not in fetchable]
    return f"not installed: {', '.join(missing)}. To install: {'; '.join(ways)}"


def _is_fetchable(model: str) -> bool:
    source = get_encoder(get_model(model).encoder).source
    return source is not None and source.fetchable and source.wheel is None
