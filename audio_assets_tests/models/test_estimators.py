"""Classifiers with scikit-learn's interface as heads."""

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC

from audio_assets import evaluate
from audio_assets.models.estimators import head_of_estimator

Clips = Any

CLASSIFIERS = {
    "probabilities": LogisticRegression(C=0.1),
    "decisions": RidgeClassifier(),
    "pipeline": make_pipeline(StandardScaler(), SVC()),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 10.0]}, cv=StratifiedKFold(2)),
    "neighbours": KNeighborsClassifier(3),
    "forest": RandomForestClassifier(10, n_jobs=-1),
}


def curve_of(clips: Clips, head: Any, **options: Any) -> Any:
    given: dict[str, Any] = {"sizes": (4, 8), "repeats": 1, "folds": 3, "head": head} | options
    return evaluate(clips.embeddings, clips.labels, clips.recordings, **given)


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_classifier_is_a_head_and_repeats_itself(
    name: str, simulated: Callable[..., Clips]
) -> None:
    clips = simulated(shift=6.0)
    curve = curve_of(clips, CLASSIFIERS[name])
    assert curve.query("metric == 'roc_auc'")["mean"].min() > 0.75
    # The Brier score needs probabilities.
    has_brier = curve.query("metric == 'brier'")["mean"].notna()
    assert has_brier.all() if hasattr(CLASSIFIERS[name], "predict_proba") else not has_brier.any()
    assert curve_of(clips, CLASSIFIERS[name]).to_csv() == curve.to_csv()
    order = np.random.default_rng(1).permutation(len(clips.labels))
    keyed = curve_of(clips, CLASSIFIERS[name], keys=clips.keys).to_csv()
    other = clips.take(order)
    assert curve_of(other, CLASSIFIERS[name], keys=other.keys).to_csv() == keyed


def test_a_classifier_equal_to_a_built_in_head_gives_its_numbers(
    simulated: Callable[..., Clips],
) -> None:
    clips = simulated()
    same = {
        "logistic": make_pipeline(
            Normalizer(),
            LogisticRegression(C=10.0, tol=1e-10, solver="newton-cholesky", max_iter=1000),
        ),
        "svm": make_pipeline(StandardScaler(), SVC(kernel="rbf", C=1.0, gamma="scale")),
    }
    for name, estimator in same.items():
        ours, theirs = curve_of(clips, name), curve_of(clips, estimator)
        for column in ("mean", "ci_low", "ci_high"):
            np.testing.assert_allclose(ours[column], theirs[column], atol=1e-7)


def test_embeddings_reach_the_classifier_as_they_are(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    seen: list[np.ndarray] = []

    class Watching(ClassifierMixin, BaseEstimator):
        def fit(self, features: Any, labels: Any) -> "Watching":
            seen.append(features)
            assert set(labels) == {0, 1} and len(features) == len(labels)
            return self

        def predict_proba(self, features: Any) -> Any:
            seen.append(features)
            return np.full((len(features), 2), 0.5)

    curve_of(clips, Watching())
    known = {row.tobytes() for row in clips.embeddings}
    assert seen and all(row.tobytes() in known for rows in seen for row in rows)


def test_the_classifier_that_was_given_is_never_trained_nor_changed(
    simulated: Callable[..., Clips],
) -> None:
    forest = RandomForestClassifier(5, random_state=3, n_jobs=2)
    before = forest.get_params()
    curve_of(simulated(), forest)
    assert forest.get_params() == before
    assert not hasattr(forest, "classes_")


class Seeds(ClassifierMixin, BaseEstimator):
    """Notes the seeds and jobs that its clones were trained with."""

    noted: list[tuple[object, object, object]] = []

    def __init__(self, random_state: Any = None, n_jobs: Any = None, inner: Any = None) -> None:
        self.random_state, self.n_jobs, self.inner = random_state, n_jobs, inner

    def fit(self, features: Any, labels: Any) -> "Seeds":
        self.noted.append((self.random_state, self.n_jobs, self.inner.random_state))
        return self

    def decision_function(self, features: Any) -> Any:
        return features[:, 0]


def test_every_fit_has_its_own_seed_wherever_a_classifier_takes_one_and_one_job(
    simulated: Callable[..., Clips],
) -> None:
    clips, noted = simulated(), []
    for seed in (0, 0, 1):
        Seeds.noted = []
        curve_of(clips, Seeds(n_jobs=-1, inner=SVC(random_state=5)), seed=seed)
        noted.append(Seeds.noted)
    assert noted[0] == noted[1] != noted[2]
    seeds = [seed for seed, _, _ in noted[0]]
    assert len(set(seeds)) == len(seeds) == 9
    assert all(jobs == 1 and inner == seed for seed, jobs, inner in noted[0])


def test_its_name_in_the_table_is_the_same_in_every_process() -> None:
    pipeline = make_pipeline(StandardScaler(), SVC(C=2.0, kernel=np.dot))
    name = head_of_estimator(pipeline).name
    assert "SVC(C=2.0" in name and "\n" not in name and "0x" not in name


class Broken(ClassifierMixin, BaseEstimator):
    """A classifier with a fault."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def fit(self, features: Any, labels: Any) -> "Broken":
        if self.fault == "python":
            random.random()
        if self.fault == "numpy":
            np.random.rand()
        self.classes_ = np.array([1, 0] if self.fault == "classes" else [0, 1])
        return self

    def predict_proba(self, features: Any) -> Any:
        scores = np.full((len(features), 2), 0.5)
        if self.fault == "shape":
            return scores[:, 0]
        if self.fault == "nan":
            scores[0] = np.nan
        if self.fault == "range":
            scores[0] = 1.5
        return scores


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("python", "global random state .*could be repeated; give a random_state"),
        ("numpy", "global random state .*could be repeated; give a random_state"),
        ("classes", r"classes \[1, 0\] instead of \[0, 1\]"),
        ("shape", r"shape \(24,\) instead of \(24, 2\)"),
        ("nan", "not finite"),
        ("range", "outside 0 to 1"),
    ],
)
def test_a_fault_of_the_classifier_is_an_error_that_names_it(
    fault: str, words: str, simulated: Callable[..., Clips]
) -> None:
    with pytest.raises(ValueError, match=f"^head: Broken.*{words}"):
        curve_of(simulated(), Broken(fault))
    curve_of(simulated(), Broken())


def test_a_splitter_without_a_seed_inside_a_classifier_is_refused(
    simulated: Callable[..., Clips],
) -> None:
    def search(**seed: int) -> GridSearchCV:
        splitter = StratifiedKFold(2, shuffle=True, **seed)
        return GridSearchCV(LogisticRegression(), {"C": [0.1, 10.0]}, cv=splitter)

    with pytest.raises(ValueError, match="global random state .* such as a splitter"):
        curve_of(simulated(), search())
    curve_of(simulated(), search(random_state=0))


def test_a_size_that_a_classifier_cannot_be_trained_on_is_named_with_its_own_words(
    simulated: Callable[..., Clips],
) -> None:
    head = LogisticRegressionCV(cv=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="2 clips per class .*n_splits=5.*out of sizes"):
            curve_of(simulated(), head, sizes=(2,))


def test_a_classifier_is_bootstrapped_as_well(simulated: Callable[..., Clips]) -> None:
    curve = curve_of(simulated(6, 6), RidgeClassifier(), sizes=(), bootstrap=100)
    assert set(curve.query("metric == 'roc_auc'")["ci_method"]) == {"bootstrap"}
