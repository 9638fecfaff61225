"""Heads made from classifiers with scikit-learn's interface, passed by the caller.

The built-in heads and the interface of a head belong in :mod:`audio_assets.models.heads`.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audio_assets.models.heads import HEADS, Fit, Labels, Scorer, Scores


class Classifier(Protocol):
    """A classifier with scikit-learn's interface.

    It also has ``predict_proba`` or ``decision_function``.
    """

    def fit(self, X: Any, y: Any) -> Any:
        """Train it on features float[m, d] and labels {0, 1}[m]."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return its parameters, with ``deep`` also those of the estimators that it contains."""
        ...

    def set_params(self, **params: Any) -> Any:
        """Change parameters."""
        ...


@dataclass(frozen=True, eq=False)
class EstimatorHead:
    """A classifier that is cloned for each fit and trained on the embeddings as they are.

    Each clone gets a seed of its fit for every parameter named ``random_state``, so that results
    can be repeated and fits vary independently. A parameter ``n_jobs`` that is set becomes 1: with
    more, scikit-learn adds up the votes of a forest in the order in which its threads finish.

    Attributes
    ----------
    estimator
        Classifier to clone; it is never trained itself.
    is_probability
        True: the score is ``predict_proba``; False: it is ``decision_function``.
    slow
        True, since nothing is known about how long a fit takes.
    """

    estimator: Classifier
    is_probability: bool
    slow: bool = True

    @property
    def name(self) -> str:
        """The classifier with its parameters, on one line and without addresses in memory."""
        return re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(self.estimator).split()))

    def prepare(self, embeddings: NDArray[np.float64]) -> Scorer:
        """Keep the embeddings float64[n, d]; nothing is shared by the fits."""
        return _EstimatorScorer(self, embeddings)


def head_of_estimator(estimator: Any) -> EstimatorHead:
    """Check that an object is a classifier that can be cloned, and make it a head.

    Raises
    ------
    ValueError
        It is no estimator, no classifier, has neither ``predict_proba`` nor
        ``decision_function``, or cannot be cloned.
    """
    from sklearn.base import clone, is_classifier

    wanted = f"head must be one of {', '.join(HEADS)}, or a scikit-learn classifier"
    if isinstance(estimator, type):
        raise ValueError(f"{wanted}: an instance, {estimator.__name__}(), and not the class")
    kind = type(estimator).__name__
    methods = [name for name in ("predict_proba", "decision_function") if hasattr(estimator, name)]
    if not (hasattr(estimator, "fit") and methods):
        raise ValueError(f"{wanted} with fit and predict_proba or decision_function, got {kind}")
    try:
        classifies = is_classifier(estimator)
        clone(estimator)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise ValueError(
            f"{wanted}; {kind} cannot be used as one: {error} (derive it from ClassifierMixin and "
            "BaseEstimator of sklearn.base)"
        ) from error
    if not classifies:
        raise ValueError(f"{wanted}; {kind} is an estimator, but not a classifier")
    return EstimatorHead(estimator, is_probability=methods[0] == "predict_proba")


@dataclass(frozen=True, eq=False)
class _EstimatorScorer:
    """Trains one clone after the other on float64[n, d]."""

    head: EstimatorHead
    embeddings: NDArray[np.float64]

    def __call__(self, labels: Labels, fits: Sequence[Fit]) -> Scores:
        return [self._score(labels, fit) if len(fit.test) else np.empty(0) for fit in fits]

    def _score(self, labels: Labels, fit: Fit) -> NDArray[np.float64]:
        model = _seeded(self.head.estimator, fit.random_state)
        before = _global_states()
        try:
            model.fit(self.embeddings[fit.train], labels[fit.train])
            known = getattr(model, "classes_", (0, 1))
            test = self.embeddings[fit.test]
            if self.head.is_probability:
                scores = np.asarray(model.predict_proba(test), dtype=np.float64)
            else:
                scores = np.asarray(model.decision_function(test), dtype=np.float64)
        except (MemoryError, Warning):
            raise
        except Exception as error:
            words = textwrap.shorten(str(error), 200, placeholder=" ...")
            raise ValueError(
                f"head: {self.head.name} cannot be trained on {len(fit.train) // 2} clips per "
                f"class and tested on {len(fit.test)} clips ({type(error).__name__}: {words}); "
                "change its parameters, or leave this size out of sizes"
            ) from error
        if _global_states() != before:
            raise ValueError(
                f"head: {self.head.name} draws from the global random state of Python or NumPy, "
                "so that no result could be repeated; give a random_state to whatever draws in it, "
                "such as a splitter in its parameter cv"
            )
        return self._positive(scores, np.asarray(known).tolist(), len(fit.test))

    def _positive(
        self, scores: NDArray[np.float64], classes: list[Any], clips: int
    ) -> NDArray[np.float64]:
        """Check the output of a classifier, and return the score float64[t] of class 1."""
        shape = (clips, 2) if self.head.is_probability else (clips,)
        fault = ""
        if classes != [0, 1]:
            fault = f"it has the classes {classes} instead of [0, 1]"
        elif scores.shape != shape:
            fault = f"its scores have the shape {scores.shape} instead of {shape}"
        elif not np.isfinite(scores).all():
            fault = "some of its scores are not finite"
        elif self.head.is_probability and (scores.min() < 0.0 or scores.max() > 1.0):
            fault = "some of its probabilities are outside 0 to 1"
        if fault:
            raise ValueError(f"head: {self.head.name} cannot be scored: {fault}")
        return scores[:, 1] if self.head.is_probability else scores


def _seeded(estimator: Classifier, random_state: int) -> Any:
    """Clone an estimator for one fit; see :class:`EstimatorHead`."""
    from sklearn.base import clone

    model = clone(estimator)
    changed = {}
    for name, value in model.get_params(deep=True).items():
        parameter = name.rpartition("__")[2]
        if parameter == "random_state":
            # Some libraries take no more than 31 bits.
            changed[name] = random_state % 2**31
        elif parameter == "n_jobs" and value is not None:
            changed[name] = 1
    return model.set_params(**changed)


def _global_states() -> tuple[object, ...]:
    state: Any = np.random.get_state()
    # A dictionary if the generator is not NumPy's own choice.
    parts = state.values() if isinstance(state, dict) else state
    return random.getstate(), *(
        part.tobytes() if isinstance(part, np.ndarray) else repr(part) for part in parts
    )
