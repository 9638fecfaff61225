"""The clips that a model gets most wrong, which a person should check first.

The cause may be a wrong label, a faint call, or a sound that is mistaken for the species. The
preview of a clip belongs in :mod:`audio_assets.reporting.charts.clip_preview`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.metric_formulas import doubled_pairs_by_clip, roc_auc
from audio_assets.evaluation.scores.threshold_counts import rank
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

CLIPS_PER_CLASS = 3
METRIC = "roc_auc"


def best_model(curves: pd.DataFrame) -> tuple[str, int] | None:
    """The model with the highest mean ROC-AUC at its own largest training size, and that size.

    Parameters
    ----------
    curves
        Rows of :data:`audio_assets.tables.LEARNING_CURVE` of one species.

    Returns
    -------
    tuple or None
        The first by name among models with the same AUC; None if no model has an AUC.
    """
    rows = curves[(curves["metric"] == METRIC) & curves["mean"].notna()]
    ends = rows.sort_values("training_size").groupby("model", as_index=False).last()
    if ends.empty:
        return None
    best = ends.sort_values(["mean", "model"], ascending=[False, True]).iloc[0]
    return str(best["model"]), int(best["training_size"])


def hard_clips(
    predictions: pd.DataFrame, training_size: int, per_class: int = CLIPS_PER_CLASS
) -> pd.DataFrame:
    """The clips that lower the AUC most, up to ``per_class`` of each class.

    A clip is ranked wrongly against each clip of the other class, in the same test fold, that lies
    on its wrong side; a tie counts one half. The mean of these shares over the clips of a class is
    1 - AUC of the fold. Scores of different folds, which come from different classifiers, are not
    compared.

    Parameters
    ----------
    predictions
        Rows of :data:`audio_assets.tables.FOLD_PREDICTIONS` of one species and model.
    training_size
        Training clips per class of the classifiers to examine.
    per_class
        Largest number of clips of each class.

    Returns
    -------
    DataFrame
        Columns label, place (from 0, the most wrong of its class), clip_id, recording_id, score
        (mean over repeats), is_probability and misranked (share, mean over repeats), in order of
        label and place. Clips that are never tested beside the other class are left out.

    Raises
    ------
    ValueError
        If there are no predictions at this size.
    """
    import pandas as pd

    rows = predictions[predictions["training_size"] == training_size]
    if rows.empty:
        raise ValueError(f"no predictions at {training_size} clips per class")
    folds = [
        fold.assign(misranked=_misranked(fold["score"].to_numpy(), fold["label"].to_numpy()))
        for _, fold in rows.groupby(["repeat", "fold"])
    ]
    clips = (
        pd.concat(folds)
        .dropna(subset=["misranked"])
        .groupby(["label", "clip_id"], as_index=False)
        .agg(
            recording_id=("recording_id", "first"),
            score=("score", "mean"),
            is_probability=("is_probability", "first"),
            misranked=("misranked", "mean"),
        )
    )
    # A rounding error must not decide between clips that are equally wrong.
    clips["misranked"] = clips["misranked"].round(12)
    side = clips["score"].where(PRESENCE.is_positive(clips["label"]), -clips["score"])
    clips = clips.assign(side=side).sort_values(
        ["label", "misranked", "side", "clip_id"], ascending=[True, False, True, True]
    )
    clips["place"] = clips.groupby("label").cumcount()
    chosen = clips[clips["place"] < per_class]
    names = ["label", "place", "clip_id", "recording_id", "score", "is_probability", "misranked"]
    return chosen[names].reset_index(drop=True)


def _misranked(scores: NDArray[np.float64], labels: NDArray[np.object_]) -> NDArray[np.float64]:
    """Share of the other class on the wrong side of each clip; NaN without another class."""
    positive = np.asarray(PRESENCE.is_positive(labels), dtype=np.int64)
    others = np.where(positive, np.sum(1 - positive), np.sum(positive))
    if not others.all():
        return np.full(len(scores), np.nan)
    # The share of its pairs in the right order is an AUC of this clip.
    return np.asarray(1 - roc_auc(doubled_pairs_by_clip(positive, rank(scores[None]))[0], others))
