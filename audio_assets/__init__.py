"""Find the pretrained audio model for a species, and how many labelled clips are enough.

The public calls are :func:`answer`, :func:`evaluate`, :func:`make_split_plan`,
:func:`load_answers`, :func:`load_embeddings`, :func:`load_learning_curves`, :func:`load_splits`
and :func:`plot`; they need neither dagster nor tensorflow.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audio_assets.evaluation.answers.verdict import answer
    from audio_assets.evaluation.api import evaluate
    from audio_assets.evaluation.splits.plan import make_split_plan
    from audio_assets.published import (
        load_answers,
        load_embeddings,
        load_learning_curves,
        load_splits,
    )
    from audio_assets.reporting.charts.plot import plot

__all__ = [
    "answer",
    "evaluate",
    "load_answers",
    "load_embeddings",
    "load_learning_curves",
    "load_splits",
    "make_split_plan",
    "plot",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use: importing audio_assets.definitions must not pay for pandas.
    if name == "answer":
        from audio_assets.evaluation.answers.verdict import answer

        return answer
    if name == "evaluate":
        from audio_assets.evaluation.api import evaluate

        return evaluate
    if name == "make_split_plan":
        from audio_assets.evaluation.splits.plan import make_split_plan

        return make_split_plan
    if name == "plot":
        from audio_assets.reporting.charts.plot import plot

        return plot
    if name in __all__:
        from audio_assets import published

        return getattr(published, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
