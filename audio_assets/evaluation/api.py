"""The public function ``evaluate``: a learning curve from embeddings in memory.

Checks of single arguments belong in :mod:`audio_assets.evaluation.splits.arguments`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.errors import DuplicateEmbeddingsWarning, UnknownRecordingsWarning
from audio_assets.evaluation.intervals.bootstrap_interval import check_draws
from audio_assets.evaluation.intervals.learning_curve import summarise, with_warning
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.evaluation.scores.bootstrap import bootstrap_scores
from audio_assets.evaluation.scores.equal_rows import describe_equal_rows
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.arguments import (
    embedding_matrix,
    key_array,
    label_array,
    name_array,
    one_of,
    score_array,
    seed_number,
    share,
    size_list,
    whole_number,
)
from audio_assets.evaluation.splits.holdout import DEFAULT_PER_CLASS
from audio_assets.evaluation.splits.plan import SplitPlan
from audio_assets.models.estimators import Classifier, head_of_estimator
from audio_assets.models.heads import HEADS
from audio_assets.tables import PROTOCOLS

if TYPE_CHECKING:
    import pandas as pd

NO_RECORDINGS = "no recordings were given, so clips of one recording leak between training and test"
"""Warning attached to every number of an evaluation without recordings."""

_WITHOUT_RECORDINGS = (
    "evaluate() got no recordings, so each clip counts as a recording of its own. If several clips "
    "are cut from one recording, they leak between the training and the test part of a fold: the "
    "mean is too good and its interval too narrow. Give recordings, one name per clip, such as the "
    "file or the site that it is from."
)


def evaluate(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike | None = None,
    *,
    keys: ArrayLike | None = None,
    sizes: Sequence[int] = (4, 8, 16, 32, 64, 128, 256, 300),
    folds: int = 5,
    repeats: int = 5,
    head: str | Classifier = "logistic",
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
        {0, 1}[n_clips] or {"neg", "pos"}[n_clips].
    recordings
        str[n_clips], the source recording or site of each clip. No recording is ever in both the
        training and the test part of a fold. Without them each clip counts as a recording of its
        own, with a warning here and in ``ci_status``: if several clips are cut from one recording,
        the mean is then too good and the interval too narrow.
    keys
        str[n_clips], a unique name or content hash per clip. Folds and draw orders are derived from
        them, so that the order of the rows and the names of the recordings change nothing. By
        default a clip is identified by the name of its recording, its label and its position among
        the clips of both: renaming a recording or reordering its clips then changes the folds,
        interleaving the rows of several recordings does not. Without ``recordings`` it is
        identified by its row. Folds never depend on the embeddings, so that encoders of the same
        clips in the same order are evaluated on the same folds.
    sizes
        Training sizes, clips per class. Those that a fold does not allow are dropped, and the
        largest that all folds allow is added. 0, the encoder's own score, needs ``class_scores``.
    folds, repeats
        K and R of the repeated K-fold; K is lowered where a class has fewer recordings. Under
        holdout R is the number of training draws, and ``folds`` is ignored.
    head
        ``logistic``, ``random_forest``, ``svm`` or ``mlp``; or a scikit-learn classifier with
        ``fit`` and ``predict_proba`` or ``decision_function``. It is cloned for each fit and
        trained on the embeddings as they are, so put a scaler before it in a pipeline if it needs
        one. Each clone gets a seed derived from ``seed`` wherever it has a ``random_state``, and
        one job wherever ``n_jobs`` is set.
    protocol
        ``cv``, the repeated K-fold, or ``holdout``, one fixed test set of whole recordings.
    seed
        Base seed of all draws.
    ci_level
        Nominal coverage of the intervals.
    bootstrap
        0: the interval is made from the folds and recordings, or under holdout from resamples of
        test recordings and draws. N of at least 100, under cv only: it is made from N draws of
        recordings with replacement, each fully evaluated, which takes N times as long.
    splits
        A split plan of the same protocol aligned to the rows, as returned by
        :func:`audio_assets.make_split_plan`, in place of one drawn with ``keys``, ``folds``,
        ``repeats``, ``seed`` and ``holdout_per_class``.
    class_scores
        float[n_clips], the encoder's own score for the positive class: the point at size 0, which
        is then included even if ``sizes`` does not name it.
    holdout_per_class
        Number of test clips per class that is enough under holdout, if they come from 10 recordings
        or more; at most 30 % of a class's recordings are tested.

    Returns
    -------
    DataFrame
        Rows of :data:`audio_assets.tables.EVALUATION`: one per training size (clips per class) and
        metric, with its mean over test folds and its interval, between 0 and 1.

    Raises
    ------
    ValueError
        An argument is wrong, or the embeddings no longer differ after scaling to unit length,
        which the head ``logistic`` does; or a classifier given as ``head`` fails, or draws from a
        global random state, so that no result could be repeated.
    audio_assets.evaluation.splits.plan.NoEvaluation
        The recordings allow no split; a subclass of ValueError.
    audio_assets.errors.SplitLeakError
        ``splits`` has a recording in two folds.

    Warns
    -----
    audio_assets.errors.DuplicateEmbeddingsWarning
        Clips of different recordings or labels, or all clips, have equal embeddings.
    audio_assets.errors.UnknownRecordingsWarning
        There are no ``recordings``, so that clips of one recording leak between training and test.

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

    A scikit-learn classifier as the head, and the names of the folders as labels:

    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> head = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
    >>> names = np.where(labels == 1, "pos", "neg")
    >>> curve = evaluate(embeddings, names, recordings, sizes=(8,), head=head)
    >>> bool(curve.query("metric == 'roc_auc'")["mean"].iloc[-1] > 0.9)
    True
    """
    vectors = embedding_matrix(embeddings)
    classes = label_array(labels, len(vectors))
    clip_keys = None if keys is None else key_array(keys, len(vectors))
    if recordings is None:
        names = _one_per_clip(len(vectors)) if clip_keys is None else clip_keys
    else:
        names = name_array("recordings", recordings, len(vectors))
    scores = None if class_scores is None else score_array(class_scores, len(vectors))
    sizes = size_list(sizes)
    folds, repeats = whole_number("folds", folds, 2), whole_number("repeats", repeats, 1)
    chosen = one_of("head", head, HEADS) if isinstance(head, str) else head_of_estimator(head)
    protocol = one_of("protocol", protocol, PROTOCOLS)
    seed, ci_level = seed_number(seed), share("ci_level", ci_level)
    per_class = whole_number("holdout_per_class", holdout_per_class, 1)
    check_draws(bootstrap)
    evaluation = find_protocol(protocol)
    if bootstrap and evaluation.why_no_bootstrap():
        raise ValueError(f"{evaluation.why_no_bootstrap()}; bootstrap must be 0, got {bootstrap}")
    if 0 in sizes and scores is None:
        raise ValueError(
            "sizes names 0, the encoder's own score for the positive class: give it as class_scores"
        )
    if recordings is None:
        warnings.warn(_WITHOUT_RECORDINGS, UnknownRecordingsWarning, stacklevel=2)
    equal = describe_equal_rows(vectors, classes, names)
    if equal:
        warnings.warn(equal, DuplicateEmbeddingsWarning, stacklevel=2)
    if splits is None:
        draw = evaluation.planner(folds=folds, per_class=per_class)
        splits = draw(classes, names, keys=clip_keys, repeats=repeats, seed=seed)
    else:
        _check_splits(splits, len(vectors), protocol, clip_keys)
    given: dict[str, Any] = {"sizes": sizes, "head": chosen, "protocol": protocol, "seed": seed}
    results = score_folds(vectors, classes, names, splits, class_scores=scores, **given)
    draws = None
    if bootstrap:
        draws = bootstrap_scores(
            vectors, classes, names, splits, draws=bootstrap, class_scores=scores, **given
        )
    curve = summarise(
        results.scores,
        results.predictions.assign(clip_id=results.predictions["clip"]),
        recordings=results.recordings,
        ci_level=ci_level,
        head=chosen if isinstance(chosen, str) else chosen.name,
        protocol=protocol,
        seed=seed,
        draws=draws,
    )
    return curve if recordings is not None else with_warning(curve, NO_RECORDINGS)


def _one_per_clip(clips: int) -> NDArray[np.str_]:
    """Names of recordings that hold one clip each; those of equal length, sorted as the rows."""
    width = len(str(clips))
    return np.array([f"clip-{row:0{width}d}" for row in range(clips)])


def _check_splits(splits: object, clips: int, protocol: str, keys: object) -> None:
    if not isinstance(splits, SplitPlan):
        raise ValueError(
            f"splits must be a SplitPlan, as make_split_plan gives it, got {type(splits).__name__}"
        )
    if splits.n_clips != clips:
        raise ValueError(f"splits has {splits.n_clips} clips, embeddings have {clips}")
    if splits.protocol != protocol:
        raise ValueError(f"splits is of the protocol {splits.protocol!r}, protocol is {protocol!r}")
    if keys is not None:
        raise ValueError(
            "keys are read when folds are drawn, and splits has them: give one of the two"
        )
