import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.evaluation.calibration import calibration, expected_calibration_error


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
