"""The palette's promises, checked with Machado et al. (2009) and CIELAB."""

from itertools import combinations

import numpy as np
import pytest

from audio_assets.reporting.charts.styles import KNOWN_MODELS, model_styles

WHITE, DARK_PAGE = "#ffffff", "#14171a"

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def linear(color: str) -> np.ndarray:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def lab(color: str, vision: str) -> np.ndarray:
    seen = np.clip(VISION[vision] @ linear(color), 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ seen / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a: str, b: str) -> float:
    """Smallest colour difference over all kinds of vision; about 2 can just be seen."""
    return min(float(np.linalg.norm(lab(a, v) - lab(b, v))) for v in VISION)


@pytest.mark.parametrize("model", KNOWN_MODELS)
@pytest.mark.parametrize("page", [WHITE, DARK_PAGE])
def test_a_line_stands_out_on_light_and_dark_pages(model, page):
    assert contrast(KNOWN_MODELS[model].color, page) >= 3


@pytest.mark.parametrize(("a", "b"), list(combinations(KNOWN_MODELS, 2)))
def test_two_models_differ_in_shape_or_plainly_in_colour_for_everyone(a, b):
    one, other = KNOWN_MODELS[a], KNOWN_MODELS[b]
    assert one.shape != other.shape or difference(one.color, other.color) > 20


def test_every_model_that_runs_by_default_has_a_style_of_its_own():
    from audio_assets.models.registry import default_model_names

    assert set(default_model_names()) <= set(KNOWN_MODELS)


def test_a_known_model_looks_the_same_beside_any_others():
    assert model_styles(["svm"])["svm"] == model_styles(["a", "birdnet", "svm"])["svm"]


def test_a_users_models_look_the_same_in_any_order():
    assert model_styles(["mine", "yours", "svm"]) == model_styles(["yours", "svm", "mine"])


def test_no_two_models_look_the_same():
    names = [*KNOWN_MODELS, *(f"user_{i:02}" for i in range(60))]
    assert len(set(model_styles(names).values())) == len(names)


def test_more_models_than_styles_is_an_error():
    with pytest.raises(ValueError, match="only 80 styles"):
        model_styles([f"user_{i:03}" for i in range(100)])
