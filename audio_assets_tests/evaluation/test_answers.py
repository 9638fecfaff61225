"""The rules of the answer: which model, enough clips or not, and what to do next."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtri

from audio_assets import answer
from audio_assets.evaluation.answers.enough import enough
from audio_assets.evaluation.answers.proof import BELOW, PROVEN, Measured, plan_proof
from audio_assets.evaluation.answers.recommend import (
    CHEAPEST,
    COST_UNKNOWN,
    HIGHEST,
    ONLY,
    ONLY_LONG,
    recommend,
)
from audio_assets.evaluation.intervals.fold_means import recordings_to_show, unseen_recordings
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.validation import validate
from audio_assets.tables import ANSWER, FINDINGS, LEARNING_CURVE, MODEL_COMPARISON
from audio_assets_tests.reporting.fake_results import curve_row

SIZES = (4, 8, 16, 32)


def compared(*rows: dict[str, object]) -> pd.DataFrame:
    common = {"species": "coyote", "metric": "roc_auc", "ci_level": 0.95, "status": "ok"}
    table = pd.DataFrame(
        [dict.fromkeys(MODEL_COMPARISON.column_names) | common | row for row in rows],
        columns=list(MODEL_COMPARISON.column_names),
    )
    numbers = [c.name for c in MODEL_COMPARISON.columns if c.dtype == "float64"]
    return table.astype(dict.fromkeys(numbers, "float64"))


def difference(
    a: str, b: str, low: float | None, high: float | None, p: float | None = None, size: int = 32
) -> dict[str, object]:
    if p is None and low is not None and high is not None:
        p = 0.5 if low <= 0 <= high else 0.001
    row = {"kind": "difference", "model_a": a, "model_b": b, "training_size": size, "p_holm": p}
    return row | {"holm_low": low, "holm_high": high}


def gain(size: int, value: float, low: float | None, high: float | None, largest: int = 32):
    row = {"kind": "gain", "model_a": "birdnet", "training_size": size, "largest_size": largest}
    row |= {"difference": value, "ci_low": low, "ci_high": high}
    return row if low is not None else row | {"status": "fewer than 5 recordings of a class"}


def flat(*highs: float) -> list[dict[str, object]]:
    return [gain(n, 0.0, -0.02, high) for n, high in zip(SIZES, highs, strict=False)]


def curve(model: str = "birdnet", mean: float = 0.97, low: float | None = 0.9, **more):
    high = float(expit(2 * logit(mean) - logit(low))) if low is not None and mean < 1 else 1.0
    rows = [
        curve_row("coyote", model, size, mean=mean, ci_low=low, ci_high=high if low else None)
        for size in more.pop("sizes", SIZES)
    ]
    frame = pd.DataFrame(rows, columns=list(LEARNING_CURVE.column_names))
    if low is None:
        frame["ci_status"] = "fewer than 5 recordings of a class"
    return frame.assign(**{"recording_pairs": 24, "split_plan": "plan"} | more)


def found(kind: str, model: str | None = None, warning: bool = True) -> pd.DataFrame:
    row = dict.fromkeys(FINDINGS.column_names) | {"species": "coyote", "kind": kind}
    return pd.DataFrame([row | {"model": model, "warning": warning, "status": "ok"}])


def the_answer(curves: pd.DataFrame, comparisons: pd.DataFrame, *more, **options) -> pd.Series:
    table = answer(curves, comparisons, *more, **options)
    validate(table, ANSWER)
    to_csv_bytes(table, ANSWER)
    assert len(table) == 1
    return table.iloc[0]


# Which model.


def test_the_best_at_the_largest_common_size_is_recommended_and_not_the_best_anywhere():
    aucs = {"a": {16: 0.7, 32: 0.8}, "b": {16: 0.6, 32: 0.9}, "c": {16: 0.75}}
    chosen = recommend(aucs, compared(), margin=0.01, costs={})
    assert (chosen.model, chosen.not_compared) == ("c", ())
    del aucs["c"]
    assert recommend(aucs, compared(), margin=0.01, costs={}).model == "b"


def test_a_curve_shorter_than_half_of_the_longest_does_not_set_the_size_for_all():
    aucs = {"a": {4: 0.7, 32: 0.8}, "b": {4: 0.6, 32: 0.9}, "short": {4: 0.75, 15: 0.99}}
    chosen = recommend(aucs, compared(), margin=0.01, costs={})
    assert (chosen.model, chosen.not_compared) == ("b", ("short",))
    assert "short" not in chosen.tied
    alone = recommend({"a": aucs["a"], "short": aucs["short"]}, compared(), margin=0.01, costs={})
    assert (alone.model, alone.chosen_for) == ("a", ONLY_LONG)


def test_the_cheapest_of_the_models_that_lose_at_most_the_margin_is_recommended():
    aucs = {"best": {32: 0.95}, "cheap": {32: 0.945}, "free": {32: 0.94}}
    costs = {"best": 100.0, "cheap": 10.0, "free": 1.0}
    # `free` is not told from the best, but may lose 0.05.
    rows = compared(
        difference("best", "cheap", -0.005, 0.008),
        difference("best", "free", -0.03, 0.05),
        difference("cheap", "free", -0.04, 0.02),
    )
    chosen = recommend(aucs, rows, margin=0.01, costs=costs)
    assert (chosen.model, chosen.chosen_for) == ("cheap", CHEAPEST)
    assert chosen.tied == ("best", "free") and chosen.tied_doubt == pytest.approx(0.04)
    assert recommend(aucs, rows, margin=0.005, costs=costs).model == "best"


def test_a_model_that_is_told_apart_is_not_chosen_however_cheap_and_small_its_loss():
    rows = compared(difference("best", "cheap", 0.002, 0.006))
    aucs = {"best": {32: 0.95}, "cheap": {32: 0.946}}
    chosen = recommend(aucs, rows, margin=0.01, costs={"best": 9.0, "cheap": 1.0})
    assert (chosen.model, chosen.chosen_for, chosen.tied) == ("best", HIGHEST, ())


def test_cost_decides_nothing_where_it_is_not_known_and_the_answer_says_so():
    rows = compared(difference("best", "cheap", -0.005, 0.008))
    aucs = {"best": {32: 0.95}, "cheap": {32: 0.945}}
    for costs in ({}, {"cheap": 1.0}, {"best": 1.0}):
        chosen = recommend(aucs, rows, margin=0.01, costs=costs)
        assert (chosen.model, chosen.chosen_for) == ("best", COST_UNKNOWN)


def test_the_order_of_a_pair_in_the_table_does_not_matter():
    aucs = {"a": {32: 0.94}, "b": {32: 0.95}}
    costs = {"a": 1.0, "b": 9.0}
    for rows in (
        compared(difference("a", "b", -0.009, 0.005)),
        compared(difference("b", "a", -0.005, 0.009)),
    ):
        assert recommend(aucs, rows, margin=0.01, costs=costs).model == "a"
    assert (
        recommend(
            aucs, compared(difference("a", "b", -0.02, 0.005)), margin=0.01, costs=costs
        ).model
        == "b"
    )


def test_a_pair_without_an_interval_is_tied_with_an_unknown_doubt():
    aucs = {"a": {32: 0.94}, "b": {32: 0.95}}
    row = difference("a", "b", None, None) | {"status": "fewer than 5 recordings of a class"}
    for rows in (compared(row), compared()):
        chosen = recommend(aucs, rows, margin=0.01, costs={"a": 1.0, "b": 9.0})
        assert (chosen.model, chosen.tied, chosen.tied_doubt) == ("b", ("a",), None)


def test_models_with_the_same_scores_in_every_fold_are_tied_without_doubt():
    row = difference("a", "b", None, None) | {"difference": 0.0}
    row |= {"status": "the models differ by the same amount in every fold"}
    chosen = recommend(
        {"a": {32: 1.0}, "b": {32: 1.0}}, compared(row), margin=0.01, costs={"a": 9.0, "b": 1.0}
    )
    assert (chosen.model, chosen.tied, chosen.tied_doubt) == ("b", ("a",), 0.0)


def test_no_model_is_recommended_without_a_result_or_a_common_size():
    for aucs in ({}, {"a": {}}, {"a": {4: 0.9}, "b": {8: 0.9}}):
        chosen = recommend(aucs, compared(), margin=0.01, costs={})
        assert chosen.model is None and chosen.status != "ok"
    assert recommend({"a": {4: 0.9}}, compared(), margin=0.01, costs={}).chosen_for == ONLY


# Enough clips.


def test_the_smallest_size_from_which_on_no_gain_exceeds_the_margin_is_enough():
    assert enough(compared(*flat(0.2, 0.01, 0.01)), margin=0.01).size == 8
    assert enough(compared(*flat(0.0, 0.02, 0.01)), margin=0.01).size == 16
    assert enough(compared(*flat(0.0, 0.0, 0.011)), margin=0.01).size is None


def test_a_size_above_half_the_largest_is_enough_only_if_the_last_doubling_shows_no_rise():
    near = gain(32, 0.0, -0.001, 0.001, 33)
    flat_within_doubt = compared(gain(16, 0.0, -0.03, 0.03, 33), near)
    assert enough(flat_within_doubt, margin=0.01).size == 32
    rising = (0.02, -0.01, 0.05), (0.005, 0.001, 0.02), (0.0, None, None)
    for difference, low, high in rising:
        more = enough(compared(gain(16, difference, low, high, 33), near), margin=0.01)
        assert (more.size, more.gain_from, more.low) == (None, 16, low)
    alone = enough(compared(near), margin=0.01)
    assert alone.size is None and alone.gain_from is None and "half of 33" in alone.status


def test_a_size_without_an_interval_shows_nothing():
    rows = [gain(8, 0.0, -0.01, 0.0), gain(16, 0.0, None, None)]
    more = enough(compared(*rows), margin=0.01)
    assert (more.size, more.gain_from, more.high) == (None, 16, None)
    assert "fewer than 5" in more.status


@given(
    highs=st.lists(st.floats(-0.1, 0.3), min_size=1, max_size=7),
    margin=st.floats(0.001, 0.2),
    largest=st.integers(3, 300),
    data=st.data(),
)
def test_what_is_enough_stays_enough_with_a_larger_margin(highs, margin, largest, data):
    sizes = data.draw(
        st.lists(st.integers(1, largest - 1), min_size=len(highs), max_size=len(highs), unique=True)
        if largest - 1 >= len(highs)
        else st.nothing()
    )
    rows = [gain(n, h - 0.1, h - 0.2, h, largest) for n, h in zip(sizes, highs, strict=True)]
    table = compared(*rows)
    small, large = enough(table, margin=margin), enough(table, margin=margin * 2)
    if small.size is None:
        assert any(h > margin for h in highs) or min(sizes) > largest // 2
    else:
        assert all(h <= margin for n, h in zip(sizes, highs, strict=True) if n >= small.size)
        assert large.size is not None and large.size <= small.size


# The proof.

INTERVALS = {
    "mean": st.floats(0.6, 0.9999),
    "half": st.floats(0.05, 3.0),
    "recordings": st.integers(5, 200),
    "target": st.floats(0.55, 0.99),
}


def measured(mean: float, half: float, recordings: int) -> Measured:
    low, high = (float(expit(logit(mean) + sign * half)) for sign in (-1, 1))
    return Measured(mean, low, high, 0.95, recordings, "ok")


@given(**INTERVALS)
def test_the_planned_recordings_prove_the_target_with_the_power_and_one_fewer_does_not(
    mean, half, recordings, target
):
    one = measured(mean, half, recordings)
    plan = plan_proof(one, target=target)
    if one.proves(target):
        assert (plan.recordings, plan.status) == (None, PROVEN)
        return
    if mean <= target:
        assert (plan.recordings, plan.status) == (None, BELOW)
        return
    assume(one.high < 1.0 - 1e-9 and mean - target > 1e-4)

    def proves(n: int) -> bool:
        shrunk = half * math.sqrt(recordings / n)
        unlucky = logit(mean) - ndtri(0.8) * shrunk / ndtri(0.975)
        by_error = (unlucky - shrunk - logit(target)) >= -1e-9 * shrunk
        unseen = unseen_recordings(mean, RecordingCounts(n, n, 2 * n), 0.95)
        return bool(by_error and unseen >= target - 1e-9)

    assert plan.recordings is not None and plan.recordings > recordings
    assert proves(plan.recordings)
    # One recording more than there are is the least that a plan names.
    if plan.recordings > recordings + 1 and plan.recordings < 10**6:
        assert not proves(math.floor(plan.recordings * (1 - 1e-6)) - 1)


@given(recordings=st.integers(5, 35))
def test_perfectly_separated_folds_need_the_recordings_that_the_bound_needs(recordings):
    low = unseen_recordings(1.0, RecordingCounts(recordings, recordings, 2 * recordings), 0.95)
    one = Measured(1.0, low, 1.0, 0.95, recordings, "ok")
    assert plan_proof(one, target=0.95).recordings == recordings_to_show(0.95, 0.95) == 36


@given(**INTERVALS)
def test_a_higher_target_never_needs_fewer_recordings(mean, half, recordings, target):
    one = measured(mean, half, recordings)
    plans = [plan_proof(one, target=t).recordings for t in (target, target + 0.005)]
    if None not in plans:
        assert plans[0] <= plans[1]


def test_recordings_of_unseen_kinds_decide_where_the_error_is_small():
    # Its interval reaches down to 0.94 because so few recordings may all be of one kind.
    plan = plan_proof(Measured(0.99, 0.94, 0.992, 0.95, 12, "ok"), target=0.95).recordings
    assert plan is not None and plan > 20

    def reaches(n: int) -> bool:
        return unseen_recordings(0.99, RecordingCounts(n, n, 2 * n), 0.95) >= 0.95

    assert reaches(plan) and not reaches(plan - 1)


def test_an_auc_without_an_interval_has_no_plan_but_a_reason():
    plan = plan_proof(Measured(0.97, None, None, 0.95, 4, "too few recordings"), target=0.95)
    assert plan.recordings is None and "too few recordings" in plan.status


# What limits it.


def test_a_proven_and_flat_curve_is_limited_by_nothing():
    row = the_answer(curve(mean=0.98, low=0.96), compared(*flat(0.2, 0.01, 0.005)))
    assert (row["model"], row["enough_at"], row["at"]) == ("birdnet", 8, 8)
    assert row["proven"] and row["limited_by"] == "nothing" and "8 clips" in row["next"]


def test_a_flat_curve_that_is_not_proven_needs_the_missing_recordings():
    row = the_answer(curve(mean=0.97, low=0.9), compared(*flat(0.2, 0.01, 0.005)))
    assert not row["proven"] and row["limited_by"] == "proof"
    missing = row["recordings_to_prove"] - row["recordings"]
    assert f"about {missing} more recording" in row["next"]
    assert "audio-assets run --species coyote" in row["next"]


def test_by_default_the_declared_costs_choose_among_models_that_are_as_good():
    curves = pd.concat([curve("birdnet", mean=0.98), curve("svm", mean=0.979)])
    rows = compared(difference("birdnet", "svm", -0.005, 0.007))
    assert answer(curves, rows)["model"].tolist() == ["svm"]
    assert answer(curves, rows, costs={})["model"].tolist() == ["birdnet"]


@pytest.mark.parametrize("mean", [0.9, 0.97])
def test_a_rising_curve_that_is_not_proven_needs_training_clips(mean):
    row = the_answer(curve(mean=mean, low=0.85), compared(*[gain(16, 0.03, 0.01, 0.05)]))
    assert pd.isna(row["enough_at"]) and row["at"] == 32
    assert row["limited_by"] == "training" and "64 per class" in row["next"]
    assert row["gain_last_doubling"] == 0.03 and row["gain_from"] == 16


def test_a_flat_curve_below_the_target_sends_to_the_labels_and_names_no_number_of_recordings():
    row = the_answer(curve(mean=0.9, low=0.85), compared(*flat(0.0, 0.0, 0.0)))
    assert row["limited_by"] == "labels" and pd.isna(row["recordings_to_prove"])
    assert "no number of recordings" in row["proof_status"]


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("leak", "leak"),
        ("same_recording", "leak"),
        ("unknown_recordings", "leak"),
        ("confound", "confound"),
        ("site", "confound"),
        ("hearing", "nothing"),
    ],
)
def test_a_warning_that_the_auc_is_in_doubt_comes_before_everything_else(kind, limit):
    given_ = curve(mean=0.98, low=0.96), compared(*flat(0.0, 0.0, 0.0))
    assert the_answer(*given_, found(kind))["limited_by"] == limit
    assert the_answer(*given_, found(kind, warning=False))["limited_by"] == "nothing"
    assert the_answer(*given_, found(kind, model="vgg"))["limited_by"] == "nothing"


def test_a_species_without_a_result_has_a_row_that_says_why():
    none = curve(sizes=(4,)).assign(mean=np.nan, ci_low=np.nan, ci_high=np.nan)
    none = none.assign(training_size=np.nan, ci_status="fewer than 2 recordings of a class")
    row = the_answer(none, compared())
    assert pd.isna(row["model"]) and row["status"] != "ok" and not row["proven"]
    assert "fewer than 2 recordings of a class" in row["next"]


def test_a_model_without_an_auc_or_with_a_short_curve_is_named_as_not_compared():
    curves = pd.concat(
        [
            curve(),
            curve("perch", mean=0.999, sizes=(4,)),
            curve("vgg").assign(mean=np.nan, ci_low=np.nan, ci_high=np.nan),
        ]
    )
    row = the_answer(curves, compared(*flat(0.005, 0.004, 0.003)), costs={"birdnet": 16.0})
    assert (row["model"], row["not_compared"]) == ("birdnet", "perch, vgg")
    assert row["cpu_seconds_per_hour"] == 16.0


def test_the_untrained_score_is_never_the_recommended_size():
    curves = pd.concat([curve(sizes=(0,), mean=0.99, low=0.98), curve(mean=0.96, low=0.9)])
    assert the_answer(curves, compared())["at"] == 32


def test_the_answer_of_one_species_ignores_the_others():
    other = curve(mean=0.6, low=0.5).assign(species="owl")
    both = answer(pd.concat([curve(), other]), compared(*flat(0.0, 0.0, 0.0)), found("leak"))
    assert list(both["species"]) == ["coyote", "owl"]
    assert list(both["limited_by"]) == ["leak", "training"]
    pd.testing.assert_series_equal(
        both.iloc[0], the_answer(curve(), compared(*flat(0.0, 0.0, 0.0)), found("leak"))
    )


@pytest.mark.parametrize("wrong", [{"target": 1.0}, {"margin": 0.0}, {"target": "high"}])
def test_a_target_or_margin_outside_0_to_1_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        answer(curve(), compared(), **wrong)
