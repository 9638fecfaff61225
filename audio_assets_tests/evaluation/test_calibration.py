import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.evaluation.doubts.calibration import calibration, expected_calibration_error


def predictions(scores, positive, *, size=8, is_probability=True):
    frame = pd.DataFrame({"score": scores, "label": np.where(positive, "pos", "neg")})
    frame["clip_id"] = [f"clip-{number}" for number in range(len(frame))]
    frame["recording_id"] = [f"rec-{number // 2}" for number in range(len(frame))]
    constants = {"species": "owl", "model": "m", "repeat": 0, "training_size": size}
    return frame.assign(**constants, is_probability=is_probability)


def drawn(count, seed, sharpen=1.0, thin=1.0):
    """Probabilities of which so many come true; ``thin`` keeps that share of the positives."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(size=count)
    positive = rng.uniform(size=count) < truth
    kept = ~positive | (rng.uniform(size=count) < thin)
    logit = sharpen * np.log(truth / (1 - truth))
    return predictions((1 / (1 + np.exp(-logit)))[kept], positive[kept])


@pytest.mark.parametrize("thin", [1.0, 0.3])
def test_probabilities_that_come_true_lie_on_the_diagonal_at_any_prevalence(thin):
    bins = calibration(drawn(20_000, seed=1, thin=thin))
    assert len(bins) == 10
    assert (bins["predicted"] - bins["observed"]).abs().max() < 0.03
    assert expected_calibration_error(bins) < 0.015
    np.testing.assert_allclose(bins["weight"], 0.1, atol=0.001)


def test_probabilities_that_claim_too_much_are_off():
    bins = calibration(drawn(20_000, seed=1, sharpen=3.0))
    assert expected_calibration_error(bins) > 0.1
    assert bins["predicted"].iloc[0] < bins["observed"].iloc[0]
    assert bins["predicted"].iloc[-1] > bins["observed"].iloc[-1]


def test_a_small_table_by_hand():
    scores = [0.1] * 10 + [0.9] * 10
    bins = calibration(predictions(scores, [False] * 9 + [True] + [True] * 9 + [False]))
    assert bins["predicted"].tolist() == pytest.approx([0.1, 0.9])
    assert bins["observed"].tolist() == pytest.approx([0.1, 0.9])
    assert bins["clips"].tolist() == [10, 10] and bins["recordings"].tolist() == [5, 5]


def test_scores_that_are_no_probabilities_have_no_calibration():
    assert calibration(predictions([0.2, 0.8], [False, True], is_probability=False)).empty


def test_only_the_largest_size_counts():
    large = predictions([0.1] * 10 + [0.9] * 10, [False] * 10 + [True] * 10)
    small = predictions([0.9] * 10 + [0.1] * 10, [False] * 10 + [True] * 10, size=4)
    pd.testing.assert_frame_equal(calibration(pd.concat([small, large])), calibration(large))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=80))
def test_bins_hold_every_prediction_once_and_ties_share_a_bin(drawn):
    scores = [score / 5 for score, _ in drawn]
    positive = [truth for _, truth in drawn]
    bins = calibration(predictions(scores, positive))
    if len(set(positive)) < 2:
        assert bins.empty
        return
    assert bins["clips"].sum() == len(drawn)
    assert bins["weight"].sum() == pytest.approx(1.0)
    assert bins["predicted"].is_monotonic_increasing
    assert bins["observed"].between(0, 1).all()


def came_true(rng, recordings, *, clips=4, prevalence=0.5, alike=0.0, mixed=False):
    """Probabilities that come true by construction: two normal classes, 1.5 apart."""
    of_recording = np.arange(recordings) < round(recordings * prevalence)
    positive = np.repeat(of_recording, clips)
    positive = rng.permutation(positive) if mixed else positive
    shared = np.repeat(rng.normal(0, alike, recordings), clips)
    own = rng.normal(0, np.sqrt(1 - alike**2), len(positive))
    heard = 1.5 * positive + shared + own
    frame = predictions(1 / (1 + np.exp(-1.5 * (heard - 0.75))), positive)
    return frame.assign(recording_id=np.repeat(np.arange(recordings), clips).astype(str))


@pytest.mark.parametrize(
    "given",
    [
        {"recordings": 30, "clips": 1},
        {"recordings": 120, "clips": 1},
        {"recordings": 30, "alike": 0.7},
        {"recordings": 30, "alike": 1.0},
        {"recordings": 30, "alike": 0.7, "mixed": True},
        {"recordings": 30, "alike": 0.7, "prevalence": 0.2},
        {"recordings": 200, "clips": 1, "prevalence": 0.05},
    ],
)
def test_the_floor_is_what_probabilities_that_come_true_are_off_by(given):
    rng = np.random.default_rng(0)
    tables = [calibration(came_true(rng, **given)) for _ in range(60)]
    errors = np.array([expected_calibration_error(bins) for bins in tables])
    floors = np.array([bins["floor"].iloc[0] for bins in tables])
    highs = np.array([bins["floor_high"].iloc[0] for bins in tables])
    standard_error = errors.std() / np.sqrt(60)
    assert abs(errors.mean() - floors.mean()) < 0.1 * errors.mean() + 2 * standard_error
    assert np.mean(errors > highs) <= 0.15


def test_thirty_clips_are_off_by_nine_hundredths_by_chance_and_thirty_thousand_are_not():
    few = calibration(came_true(np.random.default_rng(0), 30, clips=1))
    many = calibration(came_true(np.random.default_rng(0), 30_000, clips=1))
    assert few["floor"].iloc[0] == pytest.approx(0.09, abs=0.02)
    assert many["floor"].iloc[0] < 0.01


def test_probabilities_that_claim_too_much_are_off_by_more_than_chance():
    bins = calibration(drawn(1_000, seed=1, sharpen=3.0))
    assert expected_calibration_error(bins) > 2 * bins["floor_high"].iloc[0]


def test_repeats_of_a_clip_are_no_more_clips_to_the_floor():
    once = came_true(np.random.default_rng(0), 40)
    often = pd.concat([once.assign(repeat=repeat) for repeat in range(5)])
    assert calibration(often)["floor"].iloc[0] == pytest.approx(
        calibration(once)["floor"].iloc[0], rel=0.1
    )


def test_clips_of_one_recording_raise_the_floor():
    grouped = came_true(np.random.default_rng(0), 30, alike=1.0)
    alone = grouped.assign(recording_id=grouped["clip_id"])
    assert calibration(grouped)["floor"].iloc[0] > 1.5 * calibration(alone)["floor"].iloc[0]


def test_clips_of_recordings_with_both_labels_are_drawn_one_by_one():
    scores = np.random.default_rng(0).uniform(size=60)
    grouped = predictions(scores, [False, True] * 30)
    alone = grouped.assign(recording_id=grouped["clip_id"])
    assert calibration(grouped)["floor"].tolist() == calibration(alone)["floor"].tolist()


def test_probabilities_that_never_err_have_no_floor_to_be_off_by():
    bins = calibration(predictions([0.0] * 10 + [1.0] * 10, [False] * 10 + [True] * 10))
    assert bins["floor"].tolist() == [0.0, 0.0]


def test_where_no_draw_has_both_classes_the_floor_is_empty():
    bins = calibration(predictions([1.0, 1.0], [False, True]))
    assert bins["floor"].isna().all() and bins["floor_high"].isna().all()
