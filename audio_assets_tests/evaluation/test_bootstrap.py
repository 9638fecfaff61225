from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from audio_assets import evaluate
from audio_assets.evaluation.intervals.bootstrap_interval import (
    bootstrap_interval,
    check_draws,
    estimate_by_bootstrap,
)
from audio_assets.evaluation.intervals.fold_means import (
    Estimate,
    recording_bound,
    unseen_recordings,
)
from audio_assets.evaluation.scores import bootstrap
from audio_assets.evaluation.scores.bootstrap import bootstrap_scores, resample
from audio_assets.evaluation.scores.inputs import EvaluationInput, checked_input
from audio_assets.evaluation.splits.plan import NoEvaluation, make_split_plan
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.results.validation import validate
from audio_assets.tables import EVALUATION, METRICS
from audio_assets_tests.evaluation.conftest import simulate

Simulate = Callable[..., Any]
TWELVE = RecordingCounts(12, 12, 24)
FOLDS = [f"{number}a-{number}b" for number in range(5)]


def checked(clips: Any, **options: Any) -> EvaluationInput:
    options = {"repeats": 2} | options
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, **options)
    return checked_input(
        clips.embeddings,
        clips.labels,
        clips.recordings,
        plan,
        protocol="cv",
        class_scores=None,
        workers=1,
    )


def draws_of(clips: Any, **options: Any) -> pd.DataFrame:
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, folds=2, repeats=1)
    options = {"sizes": (4,), "head": "logistic", "draws": 12, "seed": 3} | options
    return bootstrap_scores(clips.embeddings, clips.labels, clips.recordings, plan, **options)


def estimated(
    values: Any, draws: Any, recordings: RecordingCounts | None = None, level: float = 0.95
) -> Estimate:
    draws = np.asarray(draws, dtype=np.float64)
    return estimate_by_bootstrap(
        np.asarray(values, dtype=np.float64),
        FOLDS,
        ["why not"] * 5,
        draws,
        ["the fold is empty"] * len(draws),
        recordings=recordings or RecordingCounts(12, 12, 24),
        ci_level=level,
    )


@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(2, 9), st.integers(0, 4))
@settings(max_examples=30)
def test_copies_of_a_recording_share_a_fold_and_each_class_is_as_large_as_it_was(
    seed: int, pos: int, neg: int, mixed: int
) -> None:
    clips = simulate(pos, neg, clips=2, dimension=3)
    # Some positive recordings hold a negative clip too.
    given_clips = checked(clips)
    for number in range(min(mixed, pos - 2)):
        clips.labels[2 * number] = 0
    try:
        given_clips = checked(clips)
        drawn = resample(given_clips, seed, draw=5)
    except NoEvaluation:
        return
    names, labels = given_clips.recordings[drawn.rows], given_clips.labels[drawn.rows]
    for row in drawn.plan.folds:
        assert all(len(set(row[names == name])) == 1 for name in set(names))
        for fold in range(drawn.plan.n_folds):
            assert set(labels[row == fold]) == {0, 1}
    # A recording comes whole, so its copies are how often its clips are there.
    copies = dict(zip(*np.unique(names, return_counts=True), strict=True))
    for label in (0, 1):
        holders = set(given_clips.recordings[given_clips.labels == label])
        clips_of = {name: int(np.sum(given_clips.recordings == name)) for name in holders}
        times = sum(copies.get(name, 0) // clips_of[name] for name in holders)
        if mixed == 0:
            assert times == len(holders)
    if mixed == 0:
        assert sum(copies.values()) == len(given_clips.labels)


def test_draws_differ_and_leave_recordings_out(simulated: Simulate) -> None:
    given_clips = checked(simulated(12, 12))
    seen = [frozenset(given_clips.recordings[resample(given_clips, 0, d).rows]) for d in range(30)]
    assert len(set(seen)) == 30
    # Of 12 drawn 12 times with replacement, 12 (1 - (11/12)^12) = 7.8 are different.
    assert 14.5 < np.mean([len(names) for names in seen]) < 16.7


def test_copies_take_turns_of_their_own_in_the_draw_order(simulated: Simulate) -> None:
    given_clips = checked(simulated(6, 6, clips=3))
    for draw in range(10):
        drawn = resample(given_clips, 0, draw)
        for label in (0, 1):
            rows = np.flatnonzero(given_clips.labels[drawn.rows] == label)
            first_round = rows[np.argsort(drawn.plan.ranks[0, 0, rows])[:6]]
            of_round = given_clips.recordings[drawn.rows[first_round]]
            of_draw = given_clips.recordings[drawn.rows[rows]]
            # One clip of each of the 6 recordings drawn, a copy counting as a recording.
            assert sorted(of_round) == sorted(of_draw)[::3]


def test_draws_without_two_recordings_of_a_class_are_drawn_again(
    simulated: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_clips = checked(simulated(2, 2))
    # Half of all draws of 2 recordings from 2 are twice the same.
    for draw in range(40):
        drawn = resample(given_clips, 1, draw)
        assert len(set(given_clips.recordings[drawn.rows])) == 4
    monkeypatch.setattr(bootstrap, "MAX_REDRAWS", 0)
    with pytest.raises(NoEvaluation, match="only 1 recording has"):
        for draw in range(40):
            resample(given_clips, 1, draw)


def test_a_draw_has_a_row_a_size_and_metric(simulated: Simulate) -> None:
    clips = simulated(6, 6, clips=2)
    table = draws_of(clips, class_scores=clips.embeddings[:, 0])
    assert len(table) == 12 * 3 * len(METRICS)
    assert sorted(set(table["training_size"])) == [0, 4, 6]
    brier = table[(table["metric"] == "brier") & (table["training_size"] == 0)]
    assert (brier["reason"] == "the scores are not probabilities").all()
    auc = table[table["metric"] == "roc_auc"]
    assert auc["value"].between(0, 1).all() and auc["value"].nunique() > 20


def test_a_size_that_the_folds_of_a_draw_do_not_allow_becomes_the_largest_they_do(
    simulated: Simulate,
) -> None:
    clips = simulated(4, 4, clips=5, shift=1.0)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, folds=2, repeats=1)
    sizes = range(1, plan.largest_size(clips.labels) + 1)
    found = draws_of(clips, sizes=sizes).query("metric == 'roc_auc'")
    given_clips = checked(clips, folds=2, repeats=1)
    replaced = 0
    for draw, rows in found.groupby("draw"):
        drawn = resample(given_clips, 3, draw)
        largest = drawn.plan.largest_size(given_clips.labels[drawn.rows])
        values = rows.set_index("training_size")["value"]
        for size in sizes[largest:]:
            assert values[size] == values[largest]
            replaced += values[size] != values[1]
    assert replaced > 0


def test_shuffled_rows_and_new_names_give_identical_draws(simulated: Simulate) -> None:
    clips = simulated(5, 6, clips=2)
    other = clips.take(np.random.default_rng(1).permutation(len(clips.labels)))
    other.recordings[:] = [name[::-1] for name in other.recordings]
    pd.testing.assert_frame_equal(draws_of(clips), draws_of(other), check_exact=True)


def test_a_draw_does_not_depend_on_how_many_there_are(simulated: Simulate) -> None:
    clips = simulated(5, 5, clips=2)
    few, more = draws_of(clips, draws=5), draws_of(clips, draws=7)
    pd.testing.assert_frame_equal(few, more[more["draw"] < 5], check_exact=True)
    assert (few["value"] != draws_of(clips, draws=5, seed=4)["value"]).any()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_the_number_of_workers_changes_no_draw(head: str, simulated: Simulate) -> None:
    clips = simulated(12, 12, clips=4, dimension=100)
    one, two = (draws_of(clips, sizes=(4, 20), head=head, workers=w) for w in (1, 3))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_progress_counts_draws(simulated: Simulate) -> None:
    seen: list[tuple[int, int]] = []
    draws_of(simulated(5, 5, clips=1), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 12) for done in range(1, 13)]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.999))
def test_an_interval_contains_its_point_and_lies_within_0_and_1(
    mean: float, error: float, level: float
) -> None:
    low, high = bootstrap_interval(mean, error, TWELVE, level)
    assert 0.0 <= low <= mean <= high <= 1.0


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(5, 100),
)
def test_an_estimate_contains_its_mean_and_has_some_width(
    values: list[float], centre: float, spread: float, recordings: int
) -> None:
    draws = np.clip(centre + spread * np.linspace(-1, 1, 100), 0.0, 1.0)
    found = estimated(values, draws, RecordingCounts(recordings, recordings, 2 * recordings))
    assert 0.0 <= found.low <= found.mean <= found.high <= 1.0
    assert found.high > found.low


def test_away_from_0_and_1_it_is_the_mean_and_1_96_standard_errors() -> None:
    many = RecordingCounts(10_000, 10_000, 20_000)
    low, high = bootstrap_interval(0.6, 0.001, many, 0.95)
    assert (low, high) == pytest.approx((0.6 - 0.00196, 0.6 + 0.00196), abs=1e-5)
    assert bootstrap_interval(0.6, 0.001, many, 0.5)[1] == pytest.approx(0.6 + 0.000674, abs=1e-5)


def test_near_the_ceiling_it_reaches_no_further_than_the_number_of_recordings() -> None:
    # The delta method alone: 0.15 to 1.
    low, high = bootstrap_interval(0.9963, 0.0138, TWELVE, 0.95)
    assert low == unseen_recordings(0.9963, TWELVE, 0.95) and 0.9963 < high < 1.0
    # Far from it, room for recordings that were not seen widens nothing.
    low, _ = bootstrap_interval(0.6, 0.03, TWELVE, 0.95)
    assert low == pytest.approx(expit(logit(0.6) - 1.96 * 0.03 / 0.24), abs=2e-3)
    assert low < unseen_recordings(0.6, TWELVE, 0.95)


@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_a_perfect_auc_is_no_more_certain_than_the_number_of_recordings(spread: float) -> None:
    draws = 1.0 - spread * np.linspace(0, 1, 100)
    found = estimated([1.0] * 5, draws)
    bound = recording_bound(1.0, RecordingCounts(12, 12, 24), 0.95)
    assert (found.low, found.high) == (bound[0], 1.0) and found.low < 0.88
    assert found.method == "recording_bound"


def test_the_bound_never_narrows_what_the_draws_show() -> None:
    many = RecordingCounts(10_000, 10_000, 20_000)
    found = estimated([1.0] * 5, 1.0 - 0.2 * np.linspace(0, 1, 100), many)
    assert found.low < 0.9 < recording_bound(1.0, many, 0.95)[0]


def test_draws_that_do_not_differ_have_the_bound_too() -> None:
    found = estimated([0.5] * 5, [0.5] * 100)
    assert found.low < 0.4 and found.high > 0.6 and found.method == "recording_bound"


def test_a_tenth_of_the_draws_may_be_undefined_and_no_more() -> None:
    draws = np.linspace(0.6, 0.9, 100)
    draws[:10] = np.nan
    assert estimated([0.8] * 5, draws).method == "bootstrap"
    draws[10] = np.nan
    found = estimated([0.8] * 5, draws)
    assert found.mean == 0.8 and np.isnan(found.low) and found.method == "none"
    assert found.status == "undefined in 11 of 100 bootstrap draws: the fold is empty"


def test_few_recordings_have_no_interval_or_a_warning() -> None:
    draws = np.linspace(0.6, 0.9, 100)
    found = estimated([0.8] * 5, draws, RecordingCounts(4, 9, 13))
    assert np.isnan(found.low) and found.status.startswith("fewer than 5 recordings")
    found = estimated([0.8] * 5, draws, RecordingCounts(5, 9, 14))
    assert found.low < 0.8 and found.status.startswith("ok: warning: fewer than 10")


@pytest.mark.parametrize("wrong", [-1, 1, 99, 100.0, "100", True, None])
def test_too_few_draws_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="0 .off. or a whole number of at least 100"):
        check_draws(wrong)
    check_draws(0)
    check_draws(100)


def test_evaluate_gives_bootstrap_intervals_around_the_same_means(simulated: Simulate) -> None:
    clips = simulated(15, 15, clips=4, shift=1.5)
    given_clips = (clips.embeddings, clips.labels, clips.recordings)
    options: dict[str, Any] = {"sizes": (4,), "repeats": 1, "seed": 1}
    usual = evaluate(*given_clips, **options)
    curve = evaluate(*given_clips, bootstrap=100, **options)
    validate(curve, EVALUATION)
    pd.testing.assert_series_equal(curve["mean"], usual["mean"], check_exact=True)
    has = curve[curve["ci_method"] == "bootstrap"]
    assert {"roc_auc", "average_precision", "brier"} <= set(has["metric"])
    assert (has["ci_low"] < has["mean"]).all() and (has["mean"] < has["ci_high"]).all()
    wider = evaluate(*given_clips, bootstrap=100, ci_level=0.99, **options)
    assert (wider["ci_low"] < curve["ci_low"])[has.index].all()


def test_evaluate_separated_clips_by_bootstrap_claims_no_certainty(simulated: Simulate) -> None:
    clips = simulated(8, 8, clips=2, shift=60.0)
    curve = evaluate(
        clips.embeddings, clips.labels, clips.recordings, sizes=(), repeats=1, bootstrap=100
    )
    row = curve[curve["metric"] == "roc_auc"].iloc[0]
    assert row["mean"] == 1.0 and row["ci_high"] == 1.0 and 0.7 < row["ci_low"] < 0.82


@pytest.mark.slow
def test_the_bootstrap_interval_covers(simulated: Simulate) -> None:
    sets, size = 20, 8
    fresh = simulated(500, 500, clips=1, seed=10_000)
    found, truths, usual = [], [], []
    for seed in range(sets):
        clips = simulated(12, 12, clips=2, seed=seed)
        # Trained on other recordings than the set's own, scored on others again.
        own = simulated(size, size, clips=1, seed=20_000 + seed)
        both = np.r_[own.embeddings, fresh.embeddings]
        labels = np.r_[own.labels, fresh.labels]
        truths.append(one_auc(both, labels, len(own.labels)))
        for ends, draws in ((found, 100), (usual, 0)):
            curve = evaluate(
                clips.embeddings,
                clips.labels,
                clips.recordings,
                sizes=(size,),
                repeats=1,
                seed=seed,
                bootstrap=draws,
            )
            row = curve[(curve["metric"] == "roc_auc") & (curve["training_size"] == size)].iloc[0]
            ends.append((row["ci_low"], row["ci_high"]))
    truth = np.mean(truths)
    covered = np.mean([low <= truth <= high for low, high in found])
    assert covered >= 0.93 - 2 * np.sqrt(0.95 * 0.05 / sets)
    # Not by covering everything.
    width, usual_width = (np.mean([high - low for low, high in ends]) for ends in (found, usual))
    assert width < 1.5 * usual_width


def one_auc(embeddings: np.ndarray, labels: np.ndarray, train: int) -> float:
    from audio_assets.evaluation.scores.metrics import score_fold
    from audio_assets.models.heads import HEADS, Fit

    fit = Fit(np.arange(train), np.arange(train, len(labels)), 0)
    scores = HEADS["logistic"].prepare(embeddings)(labels, [fit])[0]
    return score_fold(labels[train:], scores, is_probability=True)["roc_auc"][0]
