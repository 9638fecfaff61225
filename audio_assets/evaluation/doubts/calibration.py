"""Calibration: whether a clip with a predicted probability of 0.8 is positive 8 times in 10.

Probabilities of different folds are pooled here, as calibration requires. Rankings are not: no AUC
is ever computed across folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import CALIBRATION
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
CLIPS_PER_BIN = 10

_DRAWS = 1000
# Of 20,000 clips, so many draws take 16 MB.
_AT_ONCE = 100
_HIGH = 0.95


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
        As :data:`audio_assets.tables.CALIBRATION`; no rows if the scores are not probabilities.
    """
    import pandas as pd

    chosen = predictions[predictions["is_probability"]]
    chosen = chosen[chosen["training_size"] == chosen["training_size"].max()]
    if chosen.empty or chosen["label"].nunique() < 2:
        return pd.DataFrame(columns=list(CALIBRATION.column_names))
    chosen = chosen.sort_values(["score", "clip_id", "repeat"], ignore_index=True)
    positive = PRESENCE.is_positive(chosen["label"]).to_numpy()
    scores = chosen["score"].to_numpy(dtype=np.float64)
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    places = _bins(scores, weights, chosen["clip_id"].nunique())
    floor, floor_high = _floor(chosen, positive, scores, places)
    rows = []
    for number in range(int(places.max()) + 1):
        inside = places == number
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
                "floor": floor,
                "floor_high": floor_high,
            }
        )
    return pd.DataFrame(rows, columns=list(CALIBRATION.column_names))


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Weighted mean distance between predicted and observed over the bins of one model."""
    predicted, observed, weight = (
        bins[name].to_numpy(dtype=np.float64) for name in ("predicted", "observed", "weight")
    )
    return float(_mean_distance(predicted, observed, weight))


def _mean_distance(
    predicted: NDArray[np.float64],
    observed: NDArray[np.float64],
    weight: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Weighted mean distance float64[...] of means float64[..., b] over b bins.

    With a weight of 1, the arguments are the sums over the bins, as shares of the whole.
    """
    return np.asarray((weight * np.abs(predicted - observed)).sum(axis=-1))


def _bins(
    scores: NDArray[np.float64], weights: NDArray[np.float64], clips: int
) -> NDArray[np.int64]:
    """Bin of each prediction, from 0 without gaps."""
    bins = max(min(BINS, clips // CLIPS_PER_BIN), 1)
    # The middle of the weight that shares a score decides, so that ties stay together.
    _, tie = np.unique(scores, return_inverse=True)
    of_tie = np.bincount(tie, weights)
    middle = np.cumsum(of_tie) - of_tie / 2.0
    places = np.minimum((middle * bins).astype(np.int64), bins - 1)[tie]
    return np.unique(places, return_inverse=True)[1].astype(np.int64)


def _floor(
    chosen: pd.DataFrame,
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    places: NDArray[np.int64],
) -> tuple[float | None, float | None]:
    """The error that these probabilities would show by chance if they were calibrated.

    Labels are drawn from the probabilities, a clip's from the mean of its repeats, at the
    prevalence of these clips, and the error is computed for each draw; returned are its mean and
    95 % quantile. The clips of a recording that has only one label get theirs from one random
    number, so that each is positive with its own probability and they are as alike as that allows;
    those of a recording with both labels are drawn independently.
    """
    import pandas as pd
    from scipy.special import expit, logit

    clip, names = pd.factorize(chosen["clip_id"])
    # A probability given with both classes weighted equally, at these clips' own odds.
    of_pos = int(pd.Series(positive).groupby(clip).first().sum())
    with np.errstate(divide="ignore"):
        own = expit(logit(scores) + np.log(of_pos / (len(names) - of_pos)))
    chance = np.bincount(clip, own) / np.bincount(clip)
    of_clip = pd.DataFrame(
        {"recording": chosen["recording_id"], "positive": positive, "clip": clip}
    )
    of_clip = of_clip.drop_duplicates("clip").sort_values("clip")
    mixed = of_clip.groupby("recording")["positive"].transform("nunique").to_numpy() > 1
    unit = of_clip["recording"].where(~mixed, "\0" + of_clip["clip"].astype(str))
    units, _ = pd.factorize(unit)
    bins = int(places.max()) + 1
    # Predictions, and their sum, of each clip in each bin, and its predictions in all: a draw
    # needs no more than these.
    of_clips = np.zeros((len(names), 2 * bins + 1))
    np.add.at(of_clips, (clip, places), 1.0)
    np.add.at(of_clips, (clip, bins + places), scores)
    of_clips[:, -1] = np.bincount(clip)
    rng = np.random.default_rng(0)
    errors: list[NDArray[np.float64]] = []
    for _ in range(_DRAWS // _AT_ONCE):
        drawn = rng.uniform(size=(_AT_ONCE, int(units.max()) + 1))[:, units] < chance
        # Draws without a clip of a class have no error.
        drawn = drawn[drawn.any(axis=1) & ~drawn.all(axis=1)]
        of_pos_drawn = drawn.astype(np.float64) @ of_clips
        of_neg_drawn = of_clips.sum(axis=0) - of_pos_drawn
        pos, neg = (of[:, :-1] / of[:, -1:] / 2.0 for of in (of_pos_drawn, of_neg_drawn))
        errors.append(_mean_distance(pos[:, bins:] + neg[:, bins:], pos[:, :bins], 1.0))
    found = np.concatenate(errors)
    return (float(found.mean()), float(np.quantile(found, _HIGH))) if len(found) else (None, None)
