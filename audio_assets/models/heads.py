"""The heads: classifiers trained on embeddings, by name.

A head prepares once what all its fits share and then trains and scores any number of them. Which
clips are trained on belongs in :mod:`audio_assets.evaluation.scores.grid`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audio_assets.models.kernel_logistic import NotConvergedError, fit_kernel_logistics

Labels = NDArray[np.int64]
Scores = list[NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Fit:
    """One classifier to train, and the clips to score with it.

    Attributes
    ----------
    train
        int[m], row numbers of the training clips; a clip that is named twice counts twice.
    test
        int[t], row numbers of the clips to score.
    random_state
        For heads that draw random numbers.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    random_state: int


Scorer = Callable[[Labels, Sequence[Fit]], Scores]
"""``scorer(labels, fits)`` trains each fit and gives the scores of its test clips.

``labels`` are {0, 1}[n] of all clips; only those of training clips are looked at. What a fit gives
may depend in its last bits on the fits beside it, and on nothing else.
"""


class Head(Protocol):
    """A classifier to train on embeddings.

    Attributes
    ----------
    is_probability
        Whether its scores are probabilities of the positive class.
    slow
        Whether its fits take long enough to be worth worker processes.
    """

    @property
    def is_probability(self) -> bool: ...
    @property
    def slow(self) -> bool: ...

    def prepare(self, embeddings: NDArray[np.float64]) -> Scorer:
        """Do what all fits share, given float64[n, d] of all clips; labels are not seen."""
        ...


@dataclass(frozen=True)
class LogisticHead:
    """L2-regularised logistic regression on embeddings of unit length, converged.

    C = 10 was best or among the best at every training size on nine sets of clips and three
    encoders; standardising the features instead costs 0.02 of AUC at 4 clips a class. The intercept
    is not penalised, and classes are not weighted since training subsets are balanced. An embedding
    of zeros has no direction and stays zero: its score is the intercept's alone. Embeddings that
    have one direction, or one and its opposite, and differ in length are refused.

    Attributes
    ----------
    c
        Weight of the sum of log losses against ``|w|^2 / 2``.
    """

    c: float = 10.0
    is_probability: bool = True
    slow: bool = False

    def prepare(self, embeddings: NDArray[np.float64]) -> Scorer:
        factors = _factors(embeddings, axis=1)
        scaled = embeddings if (factors == 1.0).all() else embeddings * factors
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        unit = scaled / np.where(length > 0.0, length, 1.0)
        _check_directions(embeddings, unit, length[:, 0] > 0.0)
        return _LogisticScorer(unit @ unit.T, self.c)


SAME_DIRECTION = 1e-9
"""Cosines nearer to 1 than this leave less between two clips than a log odds is rounded to."""


def _check_directions(
    embeddings: NDArray[np.float64], unit: NDArray[np.float64], alive: NDArray[np.bool_]
) -> None:
    """Refuse embeddings that differ, but not in what scaling to unit length leaves.

    One feature with the classes 10 standard deviations apart became a column of ones, and an AUC of
    0.5 with nothing to say why. ``alive`` rows have a length.
    """
    if not alive.any():
        return
    cosine = unit @ unit[np.argmax(alive)]
    if np.abs(cosine[alive]).min() <= 1.0 - SAME_DIRECTION:
        return
    for rows in (embeddings[cosine > 0.0], embeddings[cosine < 0.0]):
        lowest, highest = rows.min(axis=0, initial=np.inf), rows.max(axis=0, initial=-np.inf)
        largest = np.abs(rows).max(axis=0, initial=0.0)
        differs = highest - lowest > SAME_DIRECTION * largest
        if differs.any():
            column = int(np.argmax(differs))
            raise ValueError(
                "embeddings: scaling to unit length, which the head logistic does, makes rows "
                f"equal that differ (column {column} goes from {lowest[column]:.9g} to "
                f"{highest[column]:.9g}), and they are told apart by nothing else; standardise the "
                "columns, or take the head svm, random_forest or mlp"
            )


FARTHEST = 1e30
"""Largest standardised feature of a test clip."""

USUAL = 1e100
"""Values up to this, or one over it, have squares that neither overflow nor vanish."""


def _factors(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Powers of 2 that bring the largest of each row or column near 1; 1 where it is usual.

    A power of 2 changes no digit, and a row or column of usual size is left alone altogether, so
    scores of ordinary embeddings are the same bits as without.
    """
    largest = np.abs(values).max(axis=axis, keepdims=True, initial=0.0)
    unusual = (largest > USUAL) | ((largest > 0.0) & (largest < 1.0 / USUAL))
    exponent = np.where(unusual, -np.frexp(largest)[1], 0)
    # 2 to more than 1023 is no number; what is left of the smallest values is near enough to 1.
    return np.asarray(np.ldexp(1.0, np.minimum(exponent, 1000)))


DECISION_DIGITS = 9
"""Decimals of a log odds that mean something, a fit being converged to a gradient of 1e-9.

Clips with equal embeddings differ in the last bits of a matrix product, by where they stand in it.
Ranked by those, a fold of tied clips was off by up to 0.18 of AUC.
"""

BATCH_VALUES = 2**14
"""Clips times models of a batch of logistic fits: the vectors of a batch stay in a core's cache."""

GRAM_VALUES = 2**17
"""Values of the matrices of a batch of logistic fits that have one each: 1 MB, a core's cache."""


@dataclass(frozen=True, eq=False)
class _LogisticScorer:
    """Fits in batches from float64[n, n] inner products of all clips."""

    gram: NDArray[np.float64]
    c: float

    def __call__(self, labels: Labels, fits: Sequence[Fit]) -> Scores:
        from scipy.special import expit

        by_size: dict[int, list[int]] = {}
        for place, fit in enumerate(fits):
            by_size.setdefault(len(fit.train), []).append(place)
        outcomes: Scores = [np.empty(0)] * len(fits)
        for size, places in by_size.items():
            step = self._fits_at_once(size)
            for start in range(0, len(places), step):
                batch = places[start : start + step]
                decisions = self._decisions(labels, [fits[place] for place in batch])
                for place, decision in zip(batch, decisions, strict=True):
                    scored = decision[fits[place].test]
                    outcomes[place] = expit(np.round(scored, DECISION_DIGITS))
        return outcomes

    def _shares_gram(self, train: int) -> bool:
        """Whether fits on so many clips work on the whole matrix rather than on their part of it.

        One product of all models with the whole matrix runs near a processor's peak; a product of
        one model with its own part is limited by memory.
        """
        return 2 * train > len(self.gram)

    def _fits_at_once(self, train: int) -> int:
        if self._shares_gram(train):
            return max(1, BATCH_VALUES // len(self.gram))
        return max(1, GRAM_VALUES // train**2)

    def _decisions(self, labels: Labels, fits: Sequence[Fit]) -> NDArray[np.float64]:
        """Log odds float64[k, n] of all clips by k fits on equally many clips."""
        clips = len(self.gram)
        weights = np.array(
            [np.bincount(fit.train, minlength=clips) for fit in fits], dtype=np.float64
        )
        weights *= self.c
        if self._shares_gram(len(fits[0].train)):
            fitted = fit_kernel_logistics(self.gram[None], labels[None], weights[None])
            return np.asarray(fitted.decision(self.gram)[0])
        # A clip that is drawn twice has twice the weight; the rows are filled up with clips of
        # none.
        seen = [np.flatnonzero(row) for row in weights]
        width = max(len(rows) for rows in seen)
        rows = np.array([np.pad(row, (0, width - len(row))) for row in seen])
        real = np.array([np.arange(width) < len(row) for row in seen])
        narrow = np.take_along_axis(weights, rows, axis=1) * real
        gram = self.gram[rows[:, :, None], rows[:, None, :]]
        fitted = fit_kernel_logistics(gram, labels[rows], narrow[:, None])
        dual = np.zeros((len(fits), clips))
        for group, row in enumerate(seen):
            dual[group, row] = fitted.dual[group, 0, : len(row)]
        return np.asarray(dual @ self.gram + fitted.intercept)


@dataclass(frozen=True)
class StandardisedHead:
    """A scikit-learn classifier on features standardised by the mean and spread of training clips.

    Attributes
    ----------
    make
        Builds the unfitted classifier for a random state.
    is_probability
        True: the score is ``predict_proba``; False: it is ``decision_function``.
    slow
        Whether a fit takes long enough to be worth a worker process.
    """

    make: Callable[[int], Any]
    is_probability: bool
    slow: bool

    def prepare(self, embeddings: NDArray[np.float64]) -> Scorer:
        return _StandardisedScorer(self, embeddings)


@dataclass(frozen=True, eq=False)
class _StandardisedScorer:
    """Fits one after the other on float64[n, d]."""

    head: StandardisedHead
    embeddings: NDArray[np.float64]

    def __call__(self, labels: Labels, fits: Sequence[Fit]) -> Scores:
        return [self._score(labels, fit) if len(fit.test) else np.empty(0) for fit in fits]

    def _score(self, labels: Labels, fit: Fit) -> NDArray[np.float64]:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.preprocessing import StandardScaler

        factors = _factors(self.embeddings[fit.train], axis=0)
        train = self.embeddings[fit.train] * factors
        scaler = StandardScaler().fit(train)
        classifier = self.head.make(fit.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                classifier.fit(scaler.transform(train), labels[fit.train])
            except ConvergenceWarning as warning:
                raise NotConvergedError(str(warning)) from warning
        features = self._standardised(scaler, fit.test, factors)
        if self.head.is_probability:
            return np.asarray(classifier.predict_proba(features)[:, 1], dtype=np.float64)
        return np.asarray(classifier.decision_function(features), dtype=np.float64)

    def _standardised(
        self, scaler: Any, test: NDArray[np.int64], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Features of test clips, in the training clips' mean and spread."""
        with np.errstate(over="ignore"):
            features = scaler.transform(self.embeddings[test] * factors)
        # Beyond that a clip is equally far from all that were trained on, and trees take float32.
        return np.asarray(np.clip(features, -FARTHEST, FARTHEST), dtype=np.float64)


def _random_forest(random_state: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    # One job: with more, scikit-learn adds up the trees' votes in the order they finish.
    return RandomForestClassifier(n_estimators=100, random_state=random_state, n_jobs=1)


def _svm(random_state: int) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=1.0, gamma="scale", random_state=random_state)


def _mlp(random_state: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    # 200 epochs, the default, are too few for 4 clips a class: an epoch is one small step there.
    return MLPClassifier(hidden_layer_sizes=(256, 64), max_iter=5000, random_state=random_state)


HEADS: Mapping[str, Head] = MappingProxyType(
    {
        "logistic": LogisticHead(),
        "random_forest": StandardisedHead(_random_forest, is_probability=True, slow=True),
        "svm": StandardisedHead(_svm, is_probability=False, slow=False),
        "mlp": StandardisedHead(_mlp, is_probability=True, slow=True),
    }
)
"""Heads by the name used in settings and tables."""
