"""Calibration: whether a clip that is given a probability of 0.8 is positive 8 times in 10.

Probabilities of different folds are put side by side here, which is what calibration asks of them.
Rankings are not: no AUC is ever taken over folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audio_assets.tables import CALIBRATION

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
CLIPS_PER_BIN = 10


def calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    """Bins of equal weight over the out-of-fold probabilities at the largest training size.

    Each class weighs one half, as in the balanced training subsets, so a calibrated model has
    observed = predicted whatever the prevalence among the clips. Equal probabilities share a bin.
    There are 10 bins, fewer if a bin would have fewer than 10 clips.

    Parameters
    ----------
    predictions
        Table of :data:`audio_assets.tables.FOLD_PREDICTIONS` of one species and model.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.CALIBRATION`; no rows where the scores are no probabilities.
    """
    import pandas as pd

    chosen = predictions[predictions["is_probability"]]
    chosen = chosen[chosen["training_size"] == chosen["training_size"].max()]
    if chosen.empty or chosen["label"].nunique() < 2:
        return pd.DataFrame(columns=list(CALIBRATION.column_names))
    chosen = chosen.sort_values(["score", "clip_id", "repeat"], ignore_index=True)
    positive = (chosen["label"] == "pos").to_numpy()
    scores = chosen["score"].to_numpy(dtype=np.float64)
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    clips = chosen["clip_id"].nunique()
    bins = max(min(BINS, clips // CLIPS_PER_BIN), 1)
    # The middle of the weight that shares a score decides, so that ties stay together.
    _, tie = np.unique(scores, return_inverse=True)
    of_tie = np.bincount(tie, weights)
    middle = np.cumsum(of_tie) - of_tie / 2.0
    places = np.minimum((middle * bins).astype(np.int64), bins - 1)[tie]
    rows = []
    for number, place in enumerate(np.unique(places)):
        inside = places == place
        weight = float(weights[inside].sum())
        rows.append(
            {
                "species": chosen["species"].iloc[0],
                "model": chosen["model"].iloc[0],
                "training_size": int(chosen["training_size"].iloc[0]),
                "bin": number,
                "predicted": float(np.average(scores[inside], weights=weights[inside])),
                "observed": min(float(weights[inside & positive].sum()) / weight, 1.0),
                "weight": min(weight, 1.0),
                "clips": int(chosen["clip_id"][inside].nunique()),
                "recordings": int(chosen["recording_id"][inside].nunique()),
            }
        )
    return pd.DataFrame(rows, columns=list(CALIBRATION.column_names))


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Mean distance of predicted from observed over the bins of one model, by weight."""
    distance = (bins["predicted"] - bins["observed"]).abs()
    return float((bins["weight"] * distance).sum())
