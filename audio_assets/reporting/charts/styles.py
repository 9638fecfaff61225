"""The style of each model in every chart: its colour and the shape of its points.

The colours have a contrast of at least 3:1 on white and on the dark page, and any two models of
the registry differ in shape or, also under red-green blindness, plainly in colour.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class ModelStyle:
    """Colour as a hex triplet and point shape by its Vega name."""

    color: str
    shape: str


KNOWN_MODELS = {
    "birdnet": ModelStyle("#0072b2", "circle"),
    "perch": ModelStyle("#d55e00", "square"),
    "vgg": ModelStyle("#2d7645", "triangle-up"),
    "mobilenet": ModelStyle("#c76b99", "diamond"),
    "resnet": ModelStyle("#7733ff", "triangle-down"),
    "random_forest": ModelStyle("#6f6f6f", "cross"),
    "svm": ModelStyle("#d01050", "triangle-right"),
    "yamnet": ModelStyle("#3f8fd2", "triangle-left"),
    "vggish": ModelStyle("#8a6d00", "circle"),
    "perch_v2": ModelStyle("#00916b", "square"),
}

_COLORS = tuple(style.color for style in KNOWN_MODELS.values())
_SHAPES = tuple(dict.fromkeys(style.shape for style in KNOWN_MODELS.values()))


def model_styles(models: Iterable[str]) -> dict[str, ModelStyle]:
    """Return the style of each model; no two models share one.

    A model of the registry always has the same style. Others get the free pairs of colour and
    shape in the order of their names: the same for every species if the same models are passed.

    Raises
    ------
    ValueError
        More models than there are pairs of colour and shape.
    """
    names = sorted(set(models))
    styles = {name: KNOWN_MODELS[name] for name in names if name in KNOWN_MODELS}
    used = set(KNOWN_MODELS.values())
    free = (
        ModelStyle(color, shape)
        for turn in range(len(_SHAPES))
        for place, color in enumerate(_COLORS)
        for shape in (_SHAPES[(place + turn) % len(_SHAPES)],)
        if ModelStyle(color, shape) not in used
    )
    for name in names:
        if name not in styles:
            style = next(free, None)
            if style is None:
                pairs = len(list(product(_COLORS, _SHAPES)))
                raise ValueError(f"{len(names)} models, but only {pairs} styles")
            styles[name] = style
    return styles
