"""The public function ``plot``: the chart of a learning curve from a DataFrame.

Drawing belongs in :mod:`audio_assets.reporting.charts.learning_curve`; this module finds out from
the rows what to draw.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from audio_assets.models.registry import get_model, model_names
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.tables import EVALUATION

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

UNNAMED = "your_clips"
"""Species in the title of a curve that names none."""

LONGEST_TITLE = 40
"""Characters of a classifier's own name beside its line."""


def plot(
    curves: pd.DataFrame,
    species: str | None = None,
    *,
    metric: str = "roc_auc",
    titles: Mapping[str, str] | None = None,
) -> alt.LayerChart:
    """The report's chart of learning curves: a metric by training clips, one line per model.

    Parameters
    ----------
    curves
        Rows of :func:`audio_assets.load_learning_curves`, or of :func:`audio_assets.evaluate`. To
        draw several results of ``evaluate``, concatenate them with a column ``model`` that names
        the lines; without it they are named after their heads.
    species
        Species to draw. It may be left out if there is one. If the rows name no species, it is the
        name in the title.
    metric
        ``roc_auc``, ``average_precision``, ``recall_at_precision_90`` or ``brier``, each from 0
        to 1.
    titles
        Model -> name beside its line; models that it leaves out have the name that the report
        gives them.

    Returns
    -------
    altair.LayerChart
        The chart, which a notebook shows. ``chart.save("curves.png")`` and
        ``chart.save("curves.svg")`` write it without a network.

    Raises
    ------
    ValueError
        If a column is missing, the species or the metric is unknown, there are several species, or
        two rows are of the same model and size.

    Examples
    --------
    >>> import numpy as np
    >>> from audio_assets import evaluate
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["neg", "pos"], 40)
    >>> recordings = np.repeat([f"night-{i}" for i in range(20)], 4)
    >>> embeddings = rng.normal(size=(80, 8)) + (labels == "pos")[:, None]
    >>> chart = plot(evaluate(embeddings, labels, recordings), "coyote")
    >>> chart.title.text
    'Coyote: ROC-AUC by number of training clips'
    >>> chart.to_json().startswith("{")
    True
    """
    lines = {} if titles is None else dict(titles)
    rows = _checked(curves)
    if "model" not in rows.columns:
        names = {head: textwrap.shorten(head, LONGEST_TITLE) for head in rows["head"].unique()}
        lines = names | lines
        rows = rows.assign(model=rows["head"])
    if "species" not in rows.columns:
        rows = rows.assign(species=species or UNNAMED)
    for column in ("species", "model"):
        if rows[column].isna().any():
            raise ValueError(
                f"curves has rows without {column}: name it in each part before concatenating "
                f"them, for example with curve.assign({column}=...)"
            )
    present = [model for model in model_names() if model in set(rows["model"])]
    models = {model: get_model(model).title for model in present}
    models |= {model: model for model in sorted(set(rows["model"]) - set(present))}
    return learning_curve_chart(
        rows,
        species=_species(rows, species),
        metric=metric,
        models={model: lines.get(model, title) for model, title in models.items()},
    )


def _checked(curves: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(curves, pd.DataFrame):
        raise ValueError(
            "curves must be a DataFrame, as load_learning_curves and evaluate return it, got "
            f"{type(curves).__name__}"
        )
    missing = [name for name in EVALUATION.column_names if name not in curves.columns]
    if missing:
        raise ValueError(
            f"curves lacks the columns {', '.join(missing)}: give rows of load_learning_curves or "
            "evaluate with all their columns"
        )
    if curves.empty:
        raise ValueError("curves has no rows")
    return curves


def _species(rows: pd.DataFrame, species: str | None) -> str:
    known = sorted(rows["species"].unique())
    if species is None and len(known) > 1:
        raise ValueError(
            f"curves has {len(known)} species, {', '.join(known)}: say which one to draw, for "
            f"example plot(curves, {known[0]!r})"
        )
    if species is not None and species not in known:
        raise ValueError(f"curves has no species {species!r}; it has {', '.join(known)}")
    return species or known[0]
