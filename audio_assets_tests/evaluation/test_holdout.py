from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audio_assets.errors import SplitLeakError
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.holdout import make_holdout_plan, most_test_recordings
from audio_assets.evaluation.splits.manifest import (
    build_manifest,
    describe_test_set,
    plan_from_manifest,
)
from audio_assets.evaluation.splits.plan import NoEvaluation, SplitPlan, make_split_plan
from audio_assets.evaluation.splits.recordings import count_recordings
from audio_assets.results.validation import validate
from audio_assets.tables import BALANCED_MANIFEST

Simulate = Callable[..., Any]

clip = st.tuples(st.integers(0, 14), st.integers(0, 1), st.sampled_from(["data", "data_5s"]))
inventories = st.lists(clip, min_size=10, max_size=120)


def plan_of(clips: list[tuple[int, int, str]], **options: Any) -> tuple[SplitPlan, np.ndarray]:
    labels = np.array([label for _, label, _ in clips])
    recordings = np.array([f"r{number}" for number, _, _ in clips])
    keys = [f"{i:04d}" for i in range(len(clips))]
    variants = [variant for _, _, variant in clips]
    return (
        make_holdout_plan(labels, recordings, keys=keys, variants=variants, **options),
        recordings,
    )


@settings(max_examples=100)
@given(inventories, st.integers(0, 2**40), st.integers(1, 20))
def test_at_most_30_percent_of_the_recordings_are_tested_and_never_trained_on(
    clips: list[tuple[int, int, str]], seed: int, per_class: int
) -> None:
    try:
        plan, recordings = plan_of(clips, seed=seed, per_class=per_class, repeats=2)
    except NoEvaluation:
        assume(False)
    labels = np.array([label for _, label, _ in clips])
    variants = np.array([variant for _, _, variant in clips])
    in_test = set(recordings[plan.tested])
    assert not in_test & set(recordings[~plan.tested])
    counts = {
        variant: [
            len(set(recordings[(variants == variant) & (labels == label)])) for label in (0, 1)
        ]
        for variant in ("data", "data_5s")
    }
    for variant, of_class in counts.items():
        if min(of_class) >= 4:
            for label in (0, 1):
                mine = (variants == variant) & (labels == label)
                assert len(set(recordings[mine & plan.tested])) <= 0.3 * of_class[label]
    deciding = "data" if min(counts["data"]) >= 4 else "data_5s"
    mine = variants == deciding
    assert set(labels[mine & plan.tested]) == {0, 1}
    kept = plan.take(np.flatnonzero(mine))
    for repeat in range(2):
        previous: set[int] = set()
        for size in range(1, min(kept.largest_size(labels[mine]), 12) + 1):
            train = kept.training_clips(labels[mine], repeat, 0, size)
            assert previous < set(train)
            previous = set(train)
            assert not set(recordings[mine][train]) & in_test
            for label in (0, 1):
                drawn = recordings[mine][train][labels[mine][train] == label]
                pool = recordings[mine][(labels[mine] == label) & ~kept.tested]
                taken = {name: int(np.sum(drawn == name)) for name in set(pool)}
                left = [t for name, t in taken.items() if t < np.sum(pool == name)]
                assert max(taken.values()) <= min(left, default=size) + 1


def test_30_percent_are_rounded_down() -> None:
    assert [most_test_recordings(n) for n in (3, 4, 6, 7, 10, 30, 40)] == [0, 1, 1, 2, 3, 9, 12]


def test_long_recordings_are_tested_on_ten_of_a_class_or_on_30_percent(
    simulated: Simulate,
) -> None:
    for pos, neg, tested in ((20, 20, (6, 6)), (40, 33, (10, 9)), (40, 40, (10, 10))):
        clips = simulated(pos, neg, clips=60)
        for seed in range(3):
            plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, seed=seed)
            counts = count_recordings(clips.labels[plan.tested], clips.recordings[plan.tested])
            assert (counts.pos, counts.neg) == tested


def test_the_test_set_holds_the_clips_asked_for_and_no_recording_more(simulated: Simulate) -> None:
    clips = simulated(40, 30, clips=3)
    for wanted, expected in ((1, (30, 27)), (30, (30, 27)), (31, (33, 27)), (50, (36, 27))):
        plan = make_holdout_plan(
            clips.labels, clips.recordings, keys=clips.keys, per_class=wanted, seed=1
        )
        held = clips.labels[plan.tested]
        assert (int(np.sum(held == 1)), int(np.sum(held == 0))) == expected


def test_the_test_set_is_the_same_in_every_draw_and_the_training_orders_differ(
    simulated: Simulate,
) -> None:
    clips = simulated(20, 20)
    plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys)
    assert plan.protocol == "holdout" and plan.repeats == 5
    assert (plan.folds == plan.folds[0]).all()
    drawn = {tuple(plan.training_clips(clips.labels, r, 0, 4)) for r in range(5)}
    assert len(drawn) == 5
    more = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=7)
    np.testing.assert_array_equal(more.folds[0], plan.folds[0])
    other = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, seed=1)
    assert (other.folds != plan.folds).any()


def test_renaming_and_reordering_change_no_test_set(simulated: Simulate) -> None:
    clips = simulated(12, 9)
    plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, per_class=6)
    rows = np.random.default_rng(1).permutation(len(clips.labels))
    shuffled = clips.take(rows)
    renamed = np.array([name[::-1] for name in shuffled.recordings])
    other = make_holdout_plan(shuffled.labels, renamed, keys=shuffled.keys, per_class=6)
    np.testing.assert_array_equal(other.folds, plan.folds[:, rows])
    np.testing.assert_array_equal(other.ranks, plan.ranks[:, :, rows])


def test_a_recording_is_tested_in_both_variants_or_in_neither() -> None:
    clips = [(i, int(i < 8), v) for v in ("data", "data_5s") for i in range(16)]
    plan, _ = plan_of(clips)
    np.testing.assert_array_equal(plan.folds[:, :16], plan.folds[:, 16:])


def test_a_test_set_short_of_a_class_is_drawn_again() -> None:
    # Six recordings hold both classes and six negatives alone: taken in a bad order, the negatives
    # use up the 30 % before a positive is met.
    clips = [(i, label, "data") for i in range(6) for label in (0, 1)]
    clips += [(i, 0, "data") for i in range(6, 12)]
    for seed in range(20):
        plan, _ = plan_of(clips, seed=seed)
        labels = np.array([label for _, label, _ in clips])
        assert set(labels[plan.tested]) == {0, 1}


@pytest.mark.parametrize(
    ("pos", "neg", "text"),
    [
        (3, 9, "at most 30 % .* 3 positive and 9 negative; at least 4 of each are needed"),
        (1, 9, "only 1 recording has positive clips"),
        (0, 0, "there are no usable clips"),
    ],
)
def test_too_few_recordings_for_a_test_set_are_no_evaluation(
    pos: int, neg: int, text: str, simulated: Simulate
) -> None:
    clips = simulated(pos, neg)
    with pytest.raises(NoEvaluation, match=text):
        make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys)


@pytest.mark.parametrize("options", [{"per_class": 0}, {"repeats": 0}])
def test_options_out_of_range_are_refused(options: dict[str, int], simulated: Simulate) -> None:
    clips = simulated(5, 5)
    with pytest.raises(ValueError, match=f"^{next(iter(options))} must be .* at least 1"):
        make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, **options)


def test_a_plan_whose_test_set_changes_between_draws_is_refused() -> None:
    with pytest.raises(ValueError, match="the same in every draw"):
        SplitPlan(np.array([[0, -1], [-1, 0]]), np.zeros((2, 1, 2), int), 1, ("a", "b"))


def test_a_recording_in_test_set_and_pool_is_refused(simulated: Simulate) -> None:
    clips = simulated(8, 8)
    leaking = make_holdout_plan(clips.labels, np.array(clips.keys), keys=clips.keys, per_class=5)
    with pytest.raises(SplitLeakError, match="lies in folds"):
        score_folds(
            clips.embeddings, clips.labels, clips.recordings, leaking,
            sizes=(4,), head="logistic", protocol="holdout",
        )  # fmt: skip


def test_a_plan_of_the_other_protocol_is_refused(simulated: Simulate) -> None:
    clips = simulated(8, 8)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys)
    with pytest.raises(ValueError, match="'holdout' is asked for, the plan is of 'cv'"):
        score_folds(
            clips.embeddings, clips.labels, clips.recordings, plan,
            sizes=(4,), head="logistic", protocol="holdout",
        )  # fmt: skip


def test_every_test_clip_has_one_score_a_draw_and_size_and_no_other_clip_has(
    simulated: Simulate,
) -> None:
    clips = simulated(10, 10)
    plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=3)
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan,
        sizes=(4,), head="logistic", protocol="holdout", class_scores=clips.embeddings[:, 0],
    )  # fmt: skip
    counts = results.predictions.groupby("clip").size()
    assert counts.index.tolist() == np.flatnonzero(plan.tested).tolist()
    assert set(counts) == {3 * 3}
    assert set(results.predictions["training_size"]) == {0, 4, plan.largest_size(clips.labels)}
    assert results.scores["test_fold"].nunique() == 1
    assert (results.recordings.pos, results.recordings.neg) == (3, 3)


def inventory(pos: int, neg: int) -> pd.DataFrame:
    rows = [
        {
            "clip_id": f"{label}/{recording:02d}-{letter}",
            "variant": variant,
            "label": label,
            "recording_id": f"{label}-{recording}",
            "checksum": f"md5:{variant}{label}{recording:02d}{letter}",
            "status": "ok",
        }
        for variant in ("data", "data_5s")
        for label, count in (("pos", pos), ("neg", neg))
        for recording in range(count)
        for letter in "abc"
    ]
    return pd.DataFrame(rows)


def test_the_manifest_codes_the_test_set_as_fold_0_and_gives_the_plan_back() -> None:
    table = inventory(12, 20)
    manifest = build_manifest(
        table, draw=partial(make_holdout_plan, per_class=10), repeats=2, seed=0
    )
    validate(manifest, BALANCED_MANIFEST)
    assert set(manifest["folds"]) == {1} and set(manifest["fold"]) == {-1, 0}
    assert (manifest.groupby("recording_id")["fold"].nunique() == 1).all()
    ids = table.loc[table["variant"] == "data", "clip_id"].tolist()
    plan = plan_from_manifest(manifest, ids, "data")
    assert plan.protocol == "holdout" and plan.repeats == 2
    tested = manifest.query("variant == 'data' and repeat == 1 and fold == 0")["clip_id"]
    assert sorted(np.array(ids)[plan.tested]) == sorted(tested)


def test_a_reduced_test_set_is_told_with_its_size() -> None:
    manifest = build_manifest(
        inventory(12, 20), draw=partial(make_holdout_plan, per_class=12), repeats=2, seed=0
    )
    found = describe_test_set(manifest, 12)
    assert found.counts["test clips data/neg"] == 18
    assert found.counts["test recordings data_5s/pos"] == 3
    assert found.shortages == tuple(
        f"the test set of {variant}/{words} recordings are tested"
        for variant in ("data", "data_5s")
        for words in (
            "neg has 6 recordings where 10 are wanted: at most 30 % of 20",
            "pos has 9 clips where 12 are asked for and 3 recordings where 10 are wanted: at most "
            "30 % of 12",
        )
    )
