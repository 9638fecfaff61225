import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from audio_assets.models import kernel_logistic
from audio_assets.models.kernel_logistic import NotConvergedError, fit_kernel_logistic


def draw(n: int, dimension: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], n)
    vectors = rng.normal(size=(2 * n, dimension))
    vectors[:, 0] += shift * labels
    return normalize(vectors), labels


@pytest.mark.parametrize("dimension", [20, 1024])
@pytest.mark.parametrize("n", [4, 16, 64, 300])
@pytest.mark.parametrize("shift", [0.0, 1.0, 20.0])
def test_it_agrees_with_scikit_learn(n: int, dimension: int, shift: float) -> None:
    vectors, labels = draw(n + 40, dimension, shift)
    train, test = slice(0, 2 * n), slice(2 * n, None)
    gram = vectors @ vectors.T
    fit = fit_kernel_logistic(gram[train, train], labels[train], 10.0)
    mine = fit.decision(gram[test, train])
    reference = LogisticRegression(C=10.0, tol=1e-10, solver="newton-cholesky", max_iter=10_000)
    theirs = reference.fit(vectors[train], labels[train]).decision_function(vectors[test])
    assert fit.gradient_norm <= 1e-8
    np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert roc_auc_score(labels[test], mine) == roc_auc_score(labels[test], theirs)


def test_lbfgs_run_to_convergence_gives_the_same() -> None:
    vectors, labels = draw(100, 30, 1.0)
    fit = fit_kernel_logistic(vectors @ vectors.T, labels, 10.0)
    reference = LogisticRegression(C=10.0, tol=1e-10, max_iter=100_000).fit(vectors, labels)
    theirs = reference.decision_function(vectors)
    np.testing.assert_allclose(fit.decision(vectors @ vectors.T), theirs, atol=1e-5)


def test_the_gradient_vanishes_at_the_solution() -> None:
    vectors, labels = draw(50, 10, 1.0)
    fit = fit_kernel_logistic(vectors @ vectors.T, labels, 10.0)
    weights = vectors.T @ fit.dual
    residual = labels - 1.0 / (1.0 + np.exp(-(vectors @ weights + fit.intercept)))
    np.testing.assert_allclose(weights - 10.0 * vectors.T @ residual, 0.0, atol=1e-8)
    assert abs(10.0 * residual.sum()) < 1e-8


@pytest.mark.parametrize("rows", ["zeros", "copies"])
def test_clips_that_can_not_be_told_apart_get_equal_odds(rows: str) -> None:
    gram = np.zeros((8, 8)) if rows == "zeros" else np.ones((8, 8))
    fit = fit_kernel_logistic(gram, np.array([0, 1] * 4), 10.0)
    np.testing.assert_allclose(fit.decision(gram), 0.0, atol=1e-9)


def test_a_large_c_on_separable_clips_still_converges() -> None:
    vectors, labels = draw(30, 100, 20.0)
    fit = fit_kernel_logistic(vectors @ vectors.T, labels, 1e4)
    assert roc_auc_score(labels, fit.decision(vectors @ vectors.T)) == 1.0


def test_a_fit_that_does_not_converge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = draw(30, 10, 1.0)
    monkeypatch.setattr(kernel_logistic, "MAX_ITERATIONS", 2)
    with pytest.raises(NotConvergedError, match="60 clips did not converge"):
        fit_kernel_logistic(vectors @ vectors.T, labels, 10.0)
