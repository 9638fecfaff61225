"""The public call: from embeddings in memory to a learning curve."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.bootstrap import bootstrap_scores
from audio_assets.evaluation.bootstrap_interval import check_draws
from audio_assets.evaluation.grid import score_folds
from audio_assets.evaluation.heads import HEADS
from audio_assets.evaluation.holdout import DEFAULT_PER_CLASS, make_holdout_plan
from audio_assets.evaluation.learning_curve import summarise
from audio_assets.evaluation.splits import SplitPlan, make_split_plan
from audio_assets.tables import PROTOCOLS

if TYPE_CHECKING:
    import pandas as pd


def evaluate(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    sizes: Sequence[int] = (4, 8, 16, 32, 64, 128, 256, 300),
    folds: int = 5,
    repeats: int = 5,
    head: str = "logistic",
    protocol: str = "cv",
    seed: int = 0,
    ci_level: float = 0.95,
    bootstrap: int = 0,
    splits: SplitPlan | None = None,
    class_scores: ArrayLike | None = None,
    holdout_per_class: int = DEFAULT_PER_CLASS,
) -> pd.DataFrame:
    """Learning curve of a head on embeddings, tested on recordings it was not trained on.

    Parameters
    ----------
    embeddings
        float[n_clips, d], finite.
    labels
        {0, 1}[n_clips].
    recordings
        str[n_clips], the source recording or site of each clip. No recording is ever in the
        training and the test part of one fold.
    sizes
        Training sizes, clips per class. Those that a fold does not allow are dropped, and the
        largest that all folds allow is added.
    folds, repeats
        K and R of the repeated K-fold; K is lowered where a class has fewer recordings. Under
        holdout R is the number of training draws, and ``folds`` is not read.
    head
        ``logistic``, ``random_forest``, ``svm`` or ``mlp``.
    protocol
        ``cv``, the repeated K-fold, or ``holdout``, one fixed test set of whole recordings.
    seed
        Base seed of all draws.
    ci_level
        Nominal coverage of the intervals.
    bootstrap
        0: the interval is made from the folds and recordings, or under holdout from resamples of
        test recordings and draws. N of at least 100, under cv alone: it is made from N draws of
        recordings with replacement, each evaluated anew; that takes N times as long.
    splits
        A split plan of the same protocol aligned to the rows, in place of one drawn with
        ``folds``, ``repeats``, ``seed`` and ``holdout_per_class``. That draw depends on all bits of
        the embeddings, which differ between kinds of processors; runs draw by the checksums of the
        sounds.
    class_scores
        float[n_clips], the encoder's own score for the positive class: the point at size 0.
    holdout_per_class
        Test clips of each class under holdout, from at most 30 % of its recordings.

    Returns
    -------
    DataFrame
        Rows of :data:`audio_assets.tables.EVALUATION`: one a training size (clips per class) and
        metric, with its mean over test folds and its interval, in 0 to 1. The order of the clips
        and the names of the recordings change nothing.

    Raises
    ------
    ValueError
        An argument is wrong.
    audio_assets.evaluation.splits.NoEvaluation
        The recordings allow no split; a ValueError too.
    audio_assets.errors.SplitLeakError
        ``splits`` has a recording in two folds.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 40)
    >>> recordings = np.repeat([f"night-{i}" for i in range(20)], 4)
    >>> embeddings = rng.normal(size=(80, 8)) + labels[:, None]
    >>> curve = evaluate(embeddings, labels, recordings, sizes=(4, 8))
    >>> curve.loc[curve["metric"] == "roc_auc", "training_size"].tolist()
    [4, 8, 32]
    """
    vectors = _vectors(embeddings)
    classes = _labels(labels, len(vectors))
    names = _recordings(recordings, len(vectors))
    scores = None if class_scores is None else _class_scores(class_scores, len(vectors))
    if head not in HEADS:
        raise ValueError(f"unknown head {head!r}; there are {', '.join(HEADS)}")
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    check_draws(bootstrap)
    if bootstrap and protocol == "holdout":
        raise ValueError(
            "the interval under holdout is a bootstrap over its test recordings; bootstrap must be "
            f"0, got {bootstrap}"
        )
    if not 0.0 < ci_level < 1.0:
        raise ValueError(f"ci_level must lie between 0 and 1, got {ci_level}")
    if splits is None:
        draw = partial(make_split_plan, folds=folds)
        if protocol == "holdout":
            draw = partial(make_holdout_plan, per_class=holdout_per_class)
        splits = draw(
            classes, names, keys=content_keys(vectors, scores), repeats=repeats, seed=seed
        )
    elif splits.n_clips != len(vectors):
        raise ValueError(f"splits has {splits.n_clips} clips, embeddings have {len(vectors)}")
    given: dict[str, Any] = {"sizes": sizes, "head": head, "protocol": protocol, "seed": seed}
    results = score_folds(vectors, classes, names, splits, class_scores=scores, **given)
    draws = None
    if bootstrap:
        draws = bootstrap_scores(
            vectors, classes, names, splits, draws=bootstrap, class_scores=scores, **given
        )
    return summarise(
        results.scores,
        results.predictions.assign(clip_id=results.predictions["clip"]),
        recordings=results.recordings,
        ci_level=ci_level,
        head=head,
        protocol=protocol,
        seed=seed,
        draws=draws,
    )


def content_keys(
    embeddings: NDArray[np.float64], class_scores: NDArray[np.float64] | None = None
) -> list[str]:
    """SHA-256 of each row's values: the key of a clip that is known by its numbers alone.

    The class scores tell clips of equal embeddings apart, and no others: giving them draws no other
    folds where embeddings differ.
    """
    # Adding 0 makes -0.0 and 0.0, which are equal, the same bytes.
    rows = np.ascontiguousarray(embeddings + 0.0)
    keys = [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]
    if class_scores is None:
        return keys
    times = Counter(keys)
    scores = (class_scores + 0.0).tolist()
    return [
        f"{key}-{score!r}" if times[key] > 1 else key
        for key, score in zip(keys, scores, strict=True)
    ]


def _vectors(embeddings: ArrayLike) -> NDArray[np.float64]:
    vectors = np.asarray(embeddings)
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise ValueError(f"embeddings must be [n_clips, d], got shape {vectors.shape}")
    if vectors.dtype.kind not in "fiu":
        raise ValueError(f"embeddings must be numbers, got {vectors.dtype}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ValueError(f"embeddings have NaN or infinite values, first in row {bad[0]}")
    return vectors


def _labels(labels: ArrayLike, clips: int) -> NDArray[np.int64]:
    values = np.asarray(labels)
    if values.shape != (clips,):
        raise ValueError(f"labels must be [{clips}] like embeddings, got shape {values.shape}")
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError("labels must be 0 (negative) or 1 (positive)")
    return values.astype(np.int64)


def _recordings(recordings: ArrayLike, clips: int) -> NDArray[np.str_]:
    values = np.asarray(recordings)
    if values.shape != (clips,):
        raise ValueError(f"recordings must be [{clips}] like embeddings, got shape {values.shape}")
    if values.dtype.kind not in "UOiu" or any(
        not isinstance(value, str | int) or value == "" for value in values.tolist()
    ):
        raise ValueError("recordings must be names (or whole numbers), and none may be empty")
    return values.astype(str)


def _class_scores(class_scores: ArrayLike, clips: int) -> NDArray[np.float64]:
    values = np.asarray(class_scores, dtype=np.float64)
    if values.shape != (clips,):
        raise ValueError(
            f"class_scores must be [{clips}] like embeddings, got shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("class_scores have NaN or infinite values")
    return values
