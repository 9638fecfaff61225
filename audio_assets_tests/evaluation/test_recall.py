import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audio_assets.evaluation.scores.recall import (
    ScoredFold,
    lowest_threshold,
    recall_of_folds,
    recall_pseudo_values,
    resampled_recall,
)
from audio_assets.evaluation.scores.threshold_counts import count_above


def fold(pos: list[float], neg: list[float], name: str = "") -> ScoredFold:
    labels = np.repeat([1, 0], [len(pos), len(neg)])
    names = np.array([f"{name}{number}" for number in range(len(labels))])
    return ScoredFold(labels, np.array([*pos, *neg]), names)


def slow_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    pos, neg = np.sum(labels == 1), np.sum(labels == 0)
    good = [
        t
        for t in np.unique(scores)
        if (tp := np.sum((scores >= t) & (labels == 1))) > 0
        and (np.sum((scores >= t) & (labels == 0)) + 0.5) / (neg + 1) <= tp / pos / 9 + 1e-12
    ]
    return float(min(good, default=np.inf))


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_the_threshold_is_the_lowest_whose_precision_is_enough(
    seed: int, pos: int, neg: int, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [pos, neg])
    scores = rng.normal(size=pos + neg) + 2 * labels
    scores = scores.round(0) if ties else scores
    counts = count_above(labels, scores, np.ones(len(labels), dtype=np.int64))
    assert float(lowest_threshold(counts)) == slow_threshold(labels, scores)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 25), st.booleans())
def test_recall_of_a_draw_is_the_share_above_its_lowest_precise_threshold(
    seed: int, pos: int, neg: int, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [pos, neg])
    scores = rng.normal(size=pos + neg) + 2 * labels
    scores = scores.round(0) if ties else scores
    times = rng.integers(0, 4, (3, pos + neg))
    times[:, [0, -1]] += 1
    found = resampled_recall(count_above(labels, scores, times))
    for place, of_draw in enumerate(times):
        drawn, of_clip = np.repeat(labels, of_draw), np.repeat(scores, of_draw)
        threshold = slow_threshold(drawn, of_clip)
        assert found[place] == np.mean(of_clip[drawn == 1] >= threshold)


def test_the_threshold_is_chosen_on_the_other_folds_and_judged_on_this_one() -> None:
    # In the other folds all clips from 5 on are positive; in this one 5 is nothing special.
    others = [fold([9.0, 8, 7, 6, 5], [4.0, 3, 2, 1, 0], name) for name in "ab"]
    here = fold([9.0, 6, 3, 2], [8.0, 7, 1, 0])
    assert recall_of_folds([here, *others])[0] == (0.5, "")
    # The luckiest threshold of the fold itself would give a recall of a quarter.


@pytest.mark.parametrize(("pos", "neg"), [(2, 10), (3, 15), (15, 3), (10, 10), (40, 40)])
def test_recall_without_skill_is_next_to_nothing_in_folds_of_any_size(pos: int, neg: int) -> None:
    # As the maximum over the thresholds of the fold itself it was 0.33 for 10 + 2 clips.
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        folds = [fold(list(rng.random(pos)), list(rng.random(neg)), str(f)) for f in range(5)]
        found += [value for value, reason in recall_of_folds(folds) if not reason]
    # The other four folds must hold 10 clips of each class.
    assert (len(found) == 1500) == (min(pos, neg) >= 3) and (min(pos, neg) >= 3 or not found)
    assert not found or np.mean(found) < 0.02


def test_too_few_clips_to_choose_a_threshold_on_give_no_value() -> None:
    folds = [fold([3.0, 2], [1.0, 0], str(f)) for f in range(5)]
    value, reason = recall_of_folds(folds)[0]
    assert np.isnan(value)
    assert reason == (
        "the other test folds have fewer than 10 positive or negative clips to choose a "
        "threshold on"
    )


def test_of_one_test_set_each_recording_is_judged_by_the_others() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 30)
    scores = rng.normal(size=60) + 2.5 * labels
    names = np.array([f"r{number // 3}" for number in range(60)])
    expected = []
    for name in np.unique(names[labels == 1]):
        kept = names != name
        threshold = slow_threshold(labels[kept], scores[kept])
        expected += list(scores[(names == name) & (labels == 1)] >= threshold)
    value, reason = recall_of_folds([ScoredFold(labels, scores, names)])[0]
    assert reason == "" and value == pytest.approx(np.mean(expected))
    few = ScoredFold(labels[25:], scores[25:], names[25:])
    assert recall_of_folds([few])[0][1].startswith("the test set without one recording has fewer")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
# The judged fold has scores of its own just above the threshold.
@example(4483)
# A recording holds the clips at each of the places down to the last that is sure.
@example(2058)
def test_pseudo_values_are_the_jackknife_of_the_mean_of_the_repeat(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, folds = [], []
    for number in range(3):
        own = np.repeat(np.arange(6 * number, 6 * number + 6), 3)
        labels = (own % 2).astype(np.int64)
        scores = (rng.normal(size=18) + 2 * labels).round(1)
        units.append(own)
        folds.append(ScoredFold(labels, scores, own))
    positive = np.arange(18) % 2 == 1
    found = recall_pseudo_values(folds, units, positive)
    mean = np.mean([value for value, _ in recall_of_folds(folds)])
    for unit in range(18):
        values = []
        for place in range(3):
            pool = [number for number in range(3) if number != place]
            kept = [units[number] != unit for number in pool]
            threshold = slow_threshold(
                np.concatenate([folds[n].labels[k] for n, k in zip(pool, kept, strict=True)]),
                np.concatenate([folds[n].scores[k] for n, k in zip(pool, kept, strict=True)]),
            )
            judged = (folds[place].labels == 1) & (units[place] != unit)
            values.append(np.mean(folds[place].scores[judged] >= threshold))
        assert found[unit] == pytest.approx(9 * mean - 8 * np.mean(values), abs=1e-9)
