"""Implement ``audio-assets classes``: find class labels of a pretrained model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from audio_assets.errors import AudioAssetsError
from audio_assets.models.class_labels import find_labels, nearest_labels
from audio_assets.models.registry import get_model, load_encoder
from audio_assets.settings import PREFIX, load_settings

_SHOWN_IN_SETTING = 5


def print_classes(model: str, words: Sequence[str], *, as_json: bool) -> int:
    """Print the labels that contain all words, and return the exit code: 1 if there are none."""
    encoder = get_model(model).encoder
    labels = load_encoder(encoder, load_settings().weight_places()).classes
    if labels is None:
        raise AudioAssetsError(
            f"{model} has no class labels, so it has no point at size 0",
            "Choose a model that was trained on named classes, such as birdnet.",
        )
    name = " ".join(words)
    found = find_labels(labels, name)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for label in found:
            print(label)
    if not found:
        near = nearest_labels(labels, name)
        known = f"Nearest: {'; '.join(near)}." if near else "No label is spelled like it."
        print(
            f"None of the {len(labels)} class labels of {model} contains {name!r}.\n  {known}",
            file=sys.stderr,
        )
        return 1
    if words and len(found) <= _SHOWN_IN_SETTING and not as_json:
        chosen = json.dumps({"SPECIES": {encoder: found}}, ensure_ascii=False)
        print(
            f"For the point at size 0, keep the labels of your species and name its folder:\n"
            f"  {PREFIX}SPECIES_CLASSES={chosen}",
            file=sys.stderr,
        )
    return 0
