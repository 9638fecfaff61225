import doctest
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets import evaluate
from audio_assets.errors import SplitLeakError, UnknownRecordingsWarning
from audio_assets.evaluation import api
from audio_assets.evaluation.splits.plan import NoEvaluation, make_split_plan
from audio_assets.results.validation import validate
from audio_assets.tables import EVALUATION
from audio_assets_tests.evaluation.conftest import simulate

Simulate = Callable[..., Any]


def run(clips: Any, **options: Any) -> pd.DataFrame:
    options = {"sizes": (4, 8), "repeats": 2} | options
    return evaluate(clips.embeddings, clips.labels, clips.recordings, **options)


def test_the_example_in_the_docstring_runs() -> None:
    assert doctest.testmod(api).failed == 0


def test_rows_are_those_of_the_table(simulated: Simulate) -> None:
    curve = run(simulated(), class_scores=simulated().embeddings[:, 0])
    validate(curve, EVALUATION)
    assert curve["training_size"].unique().tolist()[:3] == [0, 4, 8]


@pytest.mark.parametrize("head", ["logistic", "svm"])
@pytest.mark.parametrize("protocol", ["cv", "holdout"])
def test_with_keys_shuffled_clips_and_new_names_give_identical_bytes(
    head: str, protocol: str, simulated: Simulate
) -> None:
    clips = simulated(9, 7)
    other = clips.take(np.random.default_rng(3).permutation(len(clips.labels)))
    other.recordings[:] = [f"{name[::-1]}" for name in other.recordings]
    options: dict[str, Any] = {"head": head, "protocol": protocol}
    one, two = (run(c, keys=c.keys, **options).to_csv() for c in (clips, other))
    assert one == two


@pytest.mark.filterwarnings("ignore::audio_assets.errors.DuplicateEmbeddingsWarning")
def test_with_keys_shuffled_clips_of_equal_embeddings_give_identical_bytes(
    simulated: Simulate,
) -> None:
    clips = simulated(9, 7)
    clips.embeddings[:] = clips.embeddings[0]
    scores = np.random.default_rng(0).normal(size=len(clips.labels)) + clips.labels
    order = np.random.default_rng(3).permutation(len(clips.labels))
    other = clips.take(order)
    other.recordings[:] = [f"{name[::-1]}" for name in other.recordings]
    same = run(other, class_scores=scores[order], keys=other.keys)
    assert run(clips, class_scores=scores, keys=clips.keys).to_csv() == same.to_csv()


@pytest.mark.parametrize("protocol", ["cv", "holdout"])
def test_without_keys_rows_of_several_recordings_may_be_mixed(
    protocol: str, simulated: Simulate
) -> None:
    clips = simulated(9, 7)
    rng = np.random.default_rng(3)
    # By a number per clip that grows within its recording.
    mixed = clips.take(np.argsort(rng.random((16, 3)).cumsum(axis=1).ravel()))
    assert (mixed.recordings != clips.recordings).any()
    one, two = (run(c, protocol=protocol).to_csv() for c in (clips, mixed))
    assert one == two


def test_without_keys_another_name_of_a_recording_draws_other_folds_and_with_keys_it_does_not(
    simulated: Simulate,
) -> None:
    clips = simulated(9, 7)
    renamed = np.where(clips.recordings == "rec-3", "night", clips.recordings)
    usual = folds_of(clips.embeddings, clips.labels, clips.recordings)
    assert (folds_of(clips.embeddings, clips.labels, renamed) != usual).any()
    usual = folds_of(clips.embeddings, clips.labels, clips.recordings, keys=clips.keys)
    again = folds_of(clips.embeddings, clips.labels, renamed, keys=clips.keys)
    np.testing.assert_array_equal(again, usual)


@pytest.mark.parametrize("protocol", ["cv", "holdout"])
def test_encoders_of_the_same_clips_are_evaluated_on_the_same_folds(
    protocol: str, simulated: Simulate
) -> None:
    clips = simulated(9, 7)
    drawn = [
        folds_of(embeddings, clips.labels, clips.recordings, protocol=protocol)
        for embeddings in (clips.embeddings, 2 * clips.embeddings, clips.embeddings[:, :5] - 1.0)
    ]
    for folds in drawn[1:]:
        np.testing.assert_array_equal(folds, drawn[0])
    public = make_split_plan(clips.labels, clips.recordings, repeats=2)
    if protocol == "cv":
        np.testing.assert_array_equal(public.folds, drawn[0])


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_embeddings_of_another_unit_give_the_same_curve(head: str, simulated: Simulate) -> None:
    clips = simulated(9, 7)
    usual = run(clips, head=head)
    for factor in (2.0, 2.0**-900, 2.0**900):
        curve = evaluate(
            factor * clips.embeddings, clips.labels, clips.recordings,
            sizes=(4, 8), repeats=2, head=head,
        )  # fmt: skip
        assert curve.to_csv() == usual.to_csv(), factor


def folds_of(*given: Any, **options: Any) -> np.ndarray:
    """The folds that an evaluation is made on."""
    with mock.patch.object(api, "score_folds", wraps=api.score_folds) as scored:
        evaluate(*given, sizes=(), repeats=2, **options)
    return np.asarray(scored.call_args.args[3].folds)


def test_class_scores_change_no_trained_point(simulated: Simulate) -> None:
    clips = simulated(9, 7)
    scored = run(clips, class_scores=clips.embeddings[:, 0]).query("training_size > 0")
    assert scored.to_csv(index=False) == run(clips).to_csv(index=False)


def test_the_seed_decides(simulated: Simulate) -> None:
    clips = simulated()
    assert run(clips, seed=1).to_csv() == run(clips, seed=1).to_csv()
    assert run(clips, seed=1)["mean"].tolist() != run(clips, seed=2)["mean"].tolist()


def test_a_global_random_state_has_no_part(simulated: Simulate) -> None:
    clips = simulated(5, 5)
    options: dict[str, Any] = {"head": "random_forest", "repeats": 1, "sizes": (), "folds": 2}
    np.random.seed(1)
    one = run(clips, **options)
    before = np.random.get_state()[1].tolist()
    two = run(clips, **options)
    assert one.to_csv() == two.to_csv()
    assert np.random.get_state()[1].tolist() == before


def test_better_separated_clips_score_higher(simulated: Simulate) -> None:
    means = [
        run(simulated(shift=shift)).query("metric == 'roc_auc'")["mean"].iloc[-1]
        for shift in (0.0, 2.0, 6.0)
    ]
    assert means == sorted(means) and means[0] < 0.65 and means[2] > 0.95


def test_a_given_plan_is_used(simulated: Simulate) -> None:
    clips = simulated()
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, folds=3, repeats=4)
    curve = run(clips, splits=plan)
    assert set(curve["folds"]) == {3} and set(curve["repeats"]) == {4}
    leaking = make_split_plan(clips.labels, np.array(clips.keys), keys=clips.keys)
    with pytest.raises(SplitLeakError):
        run(clips, splits=leaking)


def test_constant_scores_are_at_chance_with_an_interval_of_some_width(simulated: Simulate) -> None:
    clips = simulated()
    curve = run(clips, class_scores=np.zeros(len(clips.labels)))
    row = curve.query("training_size == 0 and metric == 'roc_auc'").iloc[0]
    assert row["mean"] == 0.5 and row["ci_low"] < 0.4 and row["ci_high"] > 0.6


def test_perfect_folds_do_not_claim_certainty(simulated: Simulate) -> None:
    row = run(simulated(12, 12, shift=60.0)).query("metric == 'roc_auc'").iloc[-1]
    assert row["mean"] == 1.0 and row["ci_high"] == 1.0 and 0.6 < row["ci_low"] < 0.9


def test_few_recordings_have_points_without_an_interval(simulated: Simulate) -> None:
    curve = run(simulated(3, 8)).query("metric == 'roc_auc'")
    assert curve["mean"].notna().all() and curve["ci_low"].isna().all()
    assert (curve["ci_status"].str.startswith("fewer than 5 recordings")).all()
    assert set(curve["folds"]) == {3}


def test_fewer_recordings_than_folds_lower_the_folds_and_keep_the_interval(
    simulated: Simulate,
) -> None:
    curve = run(simulated(6, 9, clips=5), folds=8)
    assert set(curve["folds"]) == {6}
    assert curve.query("metric == 'roc_auc'")["ci_low"].notna().all()
    # With as many folds as recordings, every repeat has the same positive test sets.
    assert set(curve["distinct_folds"]) == {6}


@pytest.mark.filterwarnings("ignore::audio_assets.errors.DuplicateEmbeddingsWarning")
def test_equal_clips_score_alike_and_are_at_chance(simulated: Simulate) -> None:
    clips = simulated()
    clips.embeddings[:] = clips.embeddings[0]
    curve = run(clips)
    for metric, value in (("roc_auc", 0.5), ("average_precision", 0.5), ("brier", 0.25)):
        rows = curve[curve["metric"] == metric]
        np.testing.assert_allclose(rows["mean"].astype(float), value, atol=1e-9)
        assert (rows["ci_method"] == "recording_bound").all()
        assert (rows["ci_high"] - rows["ci_low"] > 0.3).all()


@pytest.mark.filterwarnings("ignore::audio_assets.errors.DuplicateEmbeddingsWarning")
@settings(max_examples=25)
@given(
    st.integers(0, 2**31),
    st.integers(5, 8),
    st.integers(5, 8),
    st.sampled_from([0.0, 2.0, 60.0]),
    st.sampled_from(["logistic", "svm"]),
    st.booleans(),
)
def test_every_interval_of_every_metric_holds_its_own_point_estimate(
    seed: int, pos: int, neg: int, shift: float, head: str, coarse: bool
) -> None:
    clips = simulate(pos, neg, clips=10, shift=shift, seed=seed)
    vectors = np.round(clips.embeddings / 4) * 4 + 1e-3 if coarse else clips.embeddings
    curve = evaluate(vectors, clips.labels, clips.recordings, sizes=(2,), repeats=1, head=head)
    bounded = curve[curve["ci_low"].notna()]
    # A fold of one recording of a class has no average precision, and a recall of 0 no interval.
    defined = {"roc_auc"} | ({"brier"} if head == "logistic" else set())
    sometimes = {"average_precision", "recall_at_precision_90"}
    assert defined <= set(bounded["metric"]) <= defined | sometimes
    assert (bounded["ci_low"] <= bounded["mean"]).all()
    assert (bounded["mean"] <= bounded["ci_high"]).all()
    assert (bounded["ci_low"] < bounded["ci_high"]).all()
    assert bounded[["ci_low", "ci_high"]].stack().between(0.0, 1.0).all()


@pytest.mark.parametrize("protocol", ["cv", "holdout"])
def test_names_of_classes_are_as_good_as_numbers(protocol: str, simulated: Simulate) -> None:
    clips = simulated(9, 7)
    named = np.where(clips.labels == 1, "pos", "neg")
    usual = run(clips, protocol=protocol).to_csv()
    for labels in (named, named.tolist(), pd.Categorical(named), pd.Series(named, dtype="string")):
        same = evaluate(
            clips.embeddings, labels, clips.recordings,
            sizes=(4, 8), repeats=2, protocol=protocol,
        )  # fmt: skip
        assert same.to_csv() == usual
    plan = make_split_plan(named, clips.recordings)
    np.testing.assert_array_equal(plan.ranks, make_split_plan(clips.labels, clips.recordings).ranks)


def without_recordings(clips: Any, **options: Any) -> pd.DataFrame:
    with pytest.warns(UnknownRecordingsWarning, match="leak .*too good .*Give recordings"):
        return evaluate(clips.embeddings, clips.labels, sizes=(4, 8), repeats=2, **options)


def test_without_recordings_each_clip_is_one_and_every_number_carries_a_warning(
    simulated: Simulate,
) -> None:
    clips = simulated(9, 7)
    single = [f"{row:03d}" for row in range(len(clips.labels))]
    for options in ({}, {"keys": clips.keys}, {"protocol": "holdout"}):
        curve = without_recordings(clips, **options)
        expected = evaluate(
            clips.embeddings, clips.labels, single, sizes=(4, 8), repeats=2, **options
        )
        if "keys" not in options:
            # Without keys the names of the recordings are part of a clip's identity.
            assert curve["training_size"].tolist() == expected["training_size"].tolist()
        else:
            numbers = ["mean", "ci_low", "ci_high"]
            pd.testing.assert_frame_equal(curve[numbers], expected[numbers], check_exact=True)
        has_interval = expected["ci_status"].str.startswith("ok")
        assert has_interval.any()
        warned = curve.loc[has_interval, "ci_status"].str.contains(api.NO_RECORDINGS)
        assert warned.all() and curve.loc[has_interval, "ci_status"].str.startswith("ok: ").all()
        reasons = curve.loc[~has_interval, "ci_status"]
        assert reasons.tolist() == expected.loc[~has_interval, "ci_status"].tolist()


def test_the_warning_about_recordings_is_right_clips_of_one_recording_leak(
    simulated: Simulate,
) -> None:
    clips = simulated(12, 12, clips=6, shift=0.0, effect=4.0)
    known, unknown = (
        curve.query("metric == 'roc_auc'").iloc[-1]
        for curve in (run(clips), without_recordings(clips))
    )
    assert unknown["mean"] > known["mean"] + 0.2
    assert unknown["ci_high"] - unknown["ci_low"] < known["ci_high"] - known["ci_low"]


def test_one_recording_is_no_evaluation(simulated: Simulate) -> None:
    with pytest.raises(NoEvaluation, match="only 1 recording has positive clips"):
        run(simulated(1, 8))
