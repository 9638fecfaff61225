from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import normalize

from audio_assets.models import heads
from audio_assets.models.heads import HEADS, Fit, Head, StandardisedHead
from audio_assets.models.kernel_logistic import NotConvergedError

Clips = Any


def halves(clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).permutation(len(clips.labels))
    return np.sort(rows[: len(rows) // 2]), np.sort(rows[len(rows) // 2 :])


def score(
    head: Head, embeddings: Any, labels: Any, train: Any, test: Any, state: int = 0
) -> np.ndarray:
    """Scores of one fit; what it is told of test clips' labels is wrong."""
    told = 1 - np.asarray(labels)
    told[train] = np.asarray(labels)[train]
    return head.prepare(embeddings)(told, [Fit(train, test, state)])[0]


@pytest.mark.parametrize("name", list(HEADS))
def test_every_head_ranks_separated_clips_and_repeats_itself(
    name: str, simulated: Callable[..., Clips]
) -> None:
    clips = simulated(shift=8.0)
    train, test = halves(clips)
    scores = score(HEADS[name], clips.embeddings, clips.labels, train, test, 7)
    pos, neg = scores[clips.labels[test] == 1], scores[clips.labels[test] == 0]
    assert np.mean(pos[:, None] > neg) > 0.95
    again = score(HEADS[name], clips.embeddings, clips.labels, train, test, 7)
    np.testing.assert_array_equal(scores, again)
    if HEADS[name].is_probability:
        assert 0.0 <= scores.min() and scores.max() <= 1.0
    else:
        assert scores.min() < 0.0


@pytest.mark.parametrize("name", list(HEADS))
def test_test_clips_have_no_part_in_training(name: str, simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    train, test = halves(clips)
    before = score(HEADS[name], clips.embeddings, clips.labels, train, test, 7)
    moved = clips.embeddings.copy()
    moved[test[1:]] *= 100.0
    after = score(HEADS[name], moved, clips.labels, train, test, 7)
    assert after[0] == pytest.approx(before[0], abs=1e-12)


def test_logistic_is_scikit_learns_on_embeddings_of_unit_length(
    simulated: Callable[..., Clips],
) -> None:
    clips = simulated()
    train, test = halves(clips)
    mine = score(HEADS["logistic"], clips.embeddings, clips.labels, train, test)
    unit = normalize(clips.embeddings)
    model = LogisticRegression(C=10.0, tol=1e-10, solver="newton-cholesky", max_iter=1000)
    theirs = model.fit(unit[train], clips.labels[train]).predict_proba(unit[test])[:, 1]
    np.testing.assert_allclose(mine, theirs, atol=1e-9)


def test_an_embedding_of_zeros_scores_the_intercept(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    train, test = halves(clips)
    embeddings = clips.embeddings.copy()
    embeddings[test[:2]] = 0.0
    embeddings[train[:2]] = 0.0
    scores = score(HEADS["logistic"], embeddings, clips.labels, train, test)
    unit = normalize(embeddings)
    model = LogisticRegression(C=10.0, tol=1e-10, solver="newton-cholesky", max_iter=1000)
    model.fit(unit[train], clips.labels[train])
    intercept = 1.0 / (1.0 + np.exp(-model.intercept_[0]))
    np.testing.assert_allclose(scores[:2], intercept, atol=1e-9)


@pytest.mark.parametrize("name", list(HEADS))
def test_embeddings_that_are_all_zero_score_all_clips_alike(name: str) -> None:
    labels = np.tile([0, 1], 4)
    scores = score(HEADS[name], np.zeros((8, 5)), labels, np.arange(6), np.array([6, 7]))
    assert len(set(scores)) == 1


def test_the_random_state_moves_the_forest(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    train, test = halves(clips)
    one, two = (
        score(HEADS["random_forest"], clips.embeddings, clips.labels, train, test, state)
        for state in (0, 1)
    )
    assert (one != two).any()


def test_a_network_that_does_not_converge_is_an_error(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    head = StandardisedHead(lambda state: MLPClassifier(max_iter=2), True, True)
    with pytest.raises(NotConvergedError, match="converged"):
        score(head, clips.embeddings, clips.labels, np.arange(60), np.arange(60, 72))


def test_hyper_parameters_are_those_that_were_published() -> None:
    assert heads.LogisticHead().c == 10.0
    assert heads._random_forest(1).get_params()["n_estimators"] == 100
    assert heads._mlp(1).get_params()["hidden_layer_sizes"] == (256, 64)
    assert heads._svm(1).get_params()["kernel"] == "rbf"


def test_a_clip_named_twice_counts_twice(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    train, test = halves(clips)
    copies = np.r_[train, train[::3], train[::3]]
    rows = np.r_[copies, test]
    drawn = np.arange(len(copies)), np.arange(len(copies), len(rows))
    for name in ("logistic", "svm"):
        counted = score(HEADS[name], clips.embeddings, clips.labels, copies, test)
        written_out = score(HEADS[name], clips.embeddings[rows], clips.labels[rows], *drawn)
        np.testing.assert_allclose(counted, written_out, atol=1e-9)
        once = score(HEADS[name], clips.embeddings, clips.labels, train, test)
        assert np.abs(counted - once).max() > 1e-4


def test_logistic_fits_do_not_depend_on_the_fits_beside_them(
    simulated: Callable[..., Clips],
) -> None:
    clips = simulated(30, 30)
    rng = np.random.default_rng(4)
    pos, neg = np.flatnonzero(clips.labels == 1), np.flatnonzero(clips.labels == 0)
    fits = []
    for number in range(60):
        size = (4, 11, 60)[number % 3]
        train = np.r_[rng.choice(pos, size, replace=False), rng.choice(neg, size, replace=False)]
        fits.append(Fit(train, np.setdiff1d(np.arange(180), train), 0))
    scorer = HEADS["logistic"].prepare(clips.embeddings)
    for fit, scores in zip(fits, scorer(clips.labels, fits), strict=True):
        np.testing.assert_allclose(scores, scorer(clips.labels, [fit])[0], atol=1e-9)


@pytest.mark.parametrize("name", ["logistic", "svm"])
def test_clips_with_equal_embeddings_score_equally_wherever_they_stand(name: str) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        clips = int(rng.integers(30, 120))
        kinds = rng.integers(0, 2, clips)
        labels = rng.integers(0, 2, clips)
        fits = []
        for _ in range(5):
            pos, neg = (rng.permutation(np.flatnonzero(labels == label)) for label in (1, 0))
            train = np.sort(np.r_[pos[:10], neg[:10]])
            fits.append(Fit(train, np.setdiff1d(np.arange(clips), train), 0))
        scored = HEADS[name].prepare(np.eye(2)[kinds])(labels, fits)
        for fit, scores in zip(fits, scored, strict=True):
            assert len(set(scores[kinds[fit.test] == 0])) <= 1
            assert len(set(scores[kinds[fit.test] == 1])) <= 1


def class_distance_in_one_feature() -> tuple[np.ndarray, np.ndarray]:
    labels = np.tile([0, 1], 40)
    return (20.0 + 10.0 * labels + np.random.default_rng(0).normal(size=80))[:, None], labels


@pytest.mark.parametrize(
    "case", ["one feature", "both signs", "zeros", "one direction", "far away", "huge"]
)
def test_embeddings_that_differ_in_nothing_but_length_are_refused_by_the_logistic_head(
    case: str,
) -> None:
    feature, labels = class_distance_in_one_feature()
    embeddings = {
        "one feature": feature,
        "both signs": feature - 20.0,
        "zeros": np.where(np.arange(80)[:, None] < 10, 0.0, feature),
        "one direction": feature * np.array([1.0, -2.0, 0.5]),
        "far away": np.hstack([np.full((80, 1), 1e7), feature]),
        "huge": feature * 5e306,
    }[case]
    with pytest.raises(ValueError, match="^embeddings: scaling to unit length, .* head svm"):
        HEADS["logistic"].prepare(embeddings)
    if case not in ("huge", "zeros"):
        scores = score(HEADS["svm"], embeddings, labels, np.arange(40), np.arange(40, 80))
        assert scores[labels[40:] == 1].min() > scores[labels[40:] == 0].max()


def test_embeddings_whose_length_tells_nothing_are_not_refused() -> None:
    labels = np.tile([0, 1], 40)
    present = labels[:, None].astype(float)
    for embeddings in (present, 2 * present - 1, np.full((80, 3), 0.1), np.zeros((80, 3))):
        HEADS["logistic"].prepare(embeddings)


@pytest.mark.parametrize("name", ["logistic", "svm", "random_forest"])
@pytest.mark.parametrize("factor", [1e200, 1e-200, 1e307, 1e-310])
def test_embeddings_of_any_size_score_as_those_of_a_usual_one(
    name: str, factor: float, simulated: Callable[..., Clips]
) -> None:
    clips = simulated(shift=4.0)
    train, test = halves(clips)
    usual = score(HEADS[name], clips.embeddings, clips.labels, train, test)
    scaled = score(HEADS[name], clips.embeddings * factor, clips.labels, train, test)
    np.testing.assert_allclose(scaled, usual, atol=1e-5)


def test_a_huge_clip_takes_nothing_from_those_trained_without_it(
    simulated: Callable[..., Clips],
) -> None:
    clips = simulated()
    train, test = halves(clips)
    for name in ("svm", "random_forest", "logistic"):
        usual = score(HEADS[name], clips.embeddings, clips.labels, train, test)
        moved = clips.embeddings.copy()
        moved[test[0]] = 1e300
        after = score(HEADS[name], moved, clips.labels, train, test)
        np.testing.assert_array_equal(after[1:], usual[1:])
        assert np.isfinite(after).all()


def test_embeddings_of_usual_size_are_scaled_by_nothing(simulated: Callable[..., Clips]) -> None:
    clips = simulated()
    for axis in (0, 1):
        assert (heads._factors(clips.embeddings, axis) == 1.0).all()
