"""The heads: classifiers trained on embeddings, by name.

A head prepares once what all its fits share and then scores test clips fold by fold. Which clips
are trained on belongs in :mod:`audio_assets.evaluation.grid`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.kernel_logistic import NotConvergedError, fit_kernel_logistic

Indices = NDArray[np.int64]
Scorer = Callable[[Indices, NDArray[np.int64], Indices, int], NDArray[np.float64]]
"""``scorer(train, train_labels, test, random_state)`` gives the score of every test clip."""


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
    of zeros has no direction and stays zero: its score is the intercept's alone.

    Attributes
    ----------
    c
        Weight of the sum of log losses against ``|w|^2 / 2``.
    """

    c: float = 10.0
    is_probability: bool = True
    slow: bool = False

    def prepare(self, embeddings: NDArray[np.float64]) -> Scorer:
        from scipy.special import expit

        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit = embeddings / np.where(length > 0.0, length, 1.0)
        gram = unit @ unit.T

        def score(
            train: Indices, labels: NDArray[np.int64], test: Indices, random_state: int
        ) -> NDArray[np.float64]:
            fit = fit_kernel_logistic(gram[np.ix_(train, train)], labels, self.c)
            return np.asarray(expit(fit.decision(gram[np.ix_(test, train)])))

        return score


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
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.preprocessing import StandardScaler

        def score(
            train: Indices, labels: NDArray[np.int64], test: Indices, random_state: int
        ) -> NDArray[np.float64]:
            scaler = StandardScaler().fit(embeddings[train])
            classifier = self.make(random_state)
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                try:
                    classifier.fit(scaler.transform(embeddings[train]), labels)
                except ConvergenceWarning as warning:
                    raise NotConvergedError(str(warning)) from warning
            features = scaler.transform(embeddings[test])
            if self.is_probability:
                return np.asarray(classifier.predict_proba(features)[:, 1], dtype=np.float64)
            return np.asarray(classifier.decision_function(features), dtype=np.float64)

        return score


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
