"""The heads: classifiers trained on embeddings, by name.

A head prepares the work shared by all fits once, then trains and scores any number of them. The
choice of training clips belongs in :mod:`audio_assets.evaluation.scores.grid`.
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
        int[m], row numbers of the training clips; a repeated clip counts twice.
    test
        int[t], row numbers of the clips to score.
    random_state
        Seed for heads that draw random numbers.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    random_state: int


Scorer = Callable[[Labels, Sequence[Fit]], Scores]
"""``scorer(labels, fits)`` trains each fit and returns the scores of its test clips.

``labels`` are {0, 1}[n] of all clips; only those of training clips are used. Apart from its own
data, the scores of a fit depend only on the fits beside it, and only in their last bits.
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
        """Do the work shared by all fits, given float64[n, d] of all clips but no labels."""
        ...


@dataclass(frozen=True)
class LogisticHead:
    """L2-regularised logistic regression on embeddings of unit length, converged.

    C = 10 was best or among the best at every training size on nine sets of clips and three
    encoders; standardising the features instead costs 0.02 of AUC at 4 clips per class. The
    intercept is not penalised, and classes are not weighted because training subsets are balanced.
    An embedding of zeros has no direction and stays zero: its score is that of the intercept.
    Embeddings that all lie along one line and differ in length are refused.

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
"""Cosines closer to 1 than this separate two clips by less than the rounding of a log odds."""


def _check_directions(
    embeddings: NDArray[np.float64], unit: NDArray[np.float64], alive: NDArray[np.bool_]
) -> None:
    """Refuse embeddings that scaling to unit length makes equal although they differ.

    A single feature with the classes 10 standard deviations apart became a column of ones, and an
    AUC of 0.5 without any explanation. ``alive`` rows are not zero.
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
                f"{highest[column]:.9g}), and nothing else separates them; standardise the "
                "columns, or use the head svm, random_forest or mlp"
            )


FARTHEST = 1e30
"""Largest standardised feature of a test clip."""

USUAL = 1e100
"""Values between this and its inverse have squares that neither overflow nor vanish."""


def _factors(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return powers of 2 that bring the largest of each row or column near 1, or 1 if it is usual.

    A power of 2 changes no digit, and a row or column of usual size is not touched at all, so
    scores of ordinary embeddings keep the same bits.
    """
    largest = np.abs(values).max(axis=axis, keepdims=True, initial=0.0)
    unusual = (largest > USUAL) | ((largest > 0.0) & (largest < 1.0 / USUAL))
    exponent = np.where(unusual, -np.frexp(largest)[1], 0)
    # 2 to more than 1023 is not finite; the smallest values still come close enough to 1.
    return np.asarray(np.ldexp(1.0, np.minimum(exponent, 1000)))


DECISION_DIGITS = 9
"""Meaningful decimals of a log odds, given that fits converge to a gradient of 1e-9.

Clips with equal embeddings differ in the last bits of a matrix product, depending on their position
in it. Ranked by these bits, a fold of tied clips was off by up to 0.18 of AUC.
"""

BATCH_VALUES = 2**14
"""Clips times models in a batch of logistic fits, so that its vectors fit into a core's cache."""

GRAM_VALUES = 2**17
"""Values in a batch of logistic fits with one matrix each: 1 MB, a core's cache."""


@dataclass(frozen=True, eq=False)
class _LogisticScorer:
    """Trains batches of fits from float64[n, n] inner products of all clips."""

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
        """Return whether fits on this many clips use the whole matrix rather than their part of it.

        One product of all models with the whole matrix runs near a processor's peak; a product of
        one model with its own part is limited by memory.
        """
        return 2 * train > len(self.gram)

    def _fits_at_once(self, train: int) -> int:
        if self._shares_gram(train):
            return max(1, BATCH_VALUES // len(self.gram))
        return max(1, GRAM_VALUES // train**2)

    def _decisions(self, labels: Labels, fits: Sequence[Fit]) -> NDArray[np.float64]:
        """Return log odds float64[k, n] of all clips by k fits on equally many clips."""
        clips = len(self.gram)
        weights = np.array(
            [np.bincount(fit.train, minlength=clips) for fit in fits], dtype=np.float64
        )
        weights *= self.c
        if self._shares_gram(len(fits[0].train)):
            fitted = fit_kernel_logistics(self.gram[None], labels[None], weights[None])
            return np.asarray(fitted.decision(self.gram)[0])
        # A clip that is drawn twice has twice the weight; rows are padded with clips of weight 0.
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
    """Trains one fit after the other on float64[n, d]."""

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
        """Return the test clips' features, standardised by the training clips."""
        with np.errstate(over="ignore"):
            features = scaler.transform(self.embeddings[test] * factors)
        # Beyond that a clip is equally far from all training clips, and trees use float32.
        return np.asarray(np.clip(features, -FARTHEST, FARTHEST), dtype=np.float64)


def _random_forest(random_state: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    # One job: with more, scikit-learn adds up the trees' votes in the order in which they finish.
    return RandomForestClassifier(n_estimators=100, random_state=random_state, n_jobs=1)


def _svm(random_state: int) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=1.0, gamma="scale", random_state=random_state)


def _mlp(random_state: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    # The default of 200 epochs is too few for 4 clips per class, where an epoch is one small step.
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


def find_head(head: str | Head) -> Head:
    """Find a head by its name; a head is returned as it is.

    Raises
    ------
    ValueError
        There is no head of that name.
    """
    if not isinstance(head, str):
        return head
    if head not in HEADS:
        raise ValueError(f"unknown head {head!r}; there are {', '.join(HEADS)}")
    return HEADS[head]
