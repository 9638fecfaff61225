import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.evaluation.doubts.hard_clips import best_model, hard_clips


def predictions(scores, positive, fold=0, repeat=0, size=8):
    frame = pd.DataFrame({"score": scores, "label": np.where(positive, "pos", "neg")})
    frame["clip_id"] = [f"clip-{number}" for number in range(len(frame))]
    frame["recording_id"] = frame["clip_id"].str.replace("clip", "rec")
    constants = {"fold": fold, "repeat": repeat, "training_size": size, "is_probability": True}
    return frame.assign(**constants)


def curves(*rows):
    frame = pd.DataFrame(rows, columns=["model", "training_size", "mean"])
    return frame.astype({"training_size": "Int64"}).assign(metric="roc_auc")


def test_the_best_model_is_the_best_at_its_own_largest_size():
    early = ("early", 4, 0.99), ("early", 64, 0.8)
    late = ("late", 4, 0.6), ("late", 32, 0.9)
    assert best_model(curves(*early, *late)) == ("late", 32)
    assert best_model(curves(*early, *late).iloc[::-1]) == ("late", 32)


def test_models_of_equal_auc_are_told_apart_by_name_and_those_without_are_none():
    assert best_model(curves(("b", 4, 0.9), ("a", 4, 0.9), ("c", None, None))) == ("a", 4)
    assert best_model(curves(("c", None, None))) is None
    other_metric = curves(("a", 4, 0.9)).assign(metric="brier")
    assert best_model(other_metric) is None


def test_a_small_table_by_hand():
    found = hard_clips(predictions([0.1, 0.4, 0.9, 0.2, 0.4, 0.6], [True] * 3 + [False] * 3), 8, 2)
    assert found["clip_id"].tolist() == ["clip-5", "clip-4", "clip-0", "clip-1"]
    assert found["label"].tolist() == ["neg", "neg", "pos", "pos"]
    assert found["place"].tolist() == [0, 1, 0, 1]
    assert found["misranked"].tolist() == pytest.approx([2 / 3, 1.5 / 3, 1, 1.5 / 3])
    assert found["score"].tolist() == [0.6, 0.4, 0.1, 0.4]


def test_scores_of_different_folds_are_not_compared():
    low = predictions([0.10, 0.05], [True, False], fold=0)
    high = predictions([0.95, 0.90], [True, False], fold=1).replace("clip", "other", regex=True)
    assert (hard_clips(pd.concat([low, high]), 8)["misranked"] == 0).all()


def test_only_the_size_asked_for_counts_and_repeats_are_averaged():
    right = predictions([0.9, 0.1], [True, False])
    wrong = predictions([0.1, 0.9], [True, False], repeat=1)
    other = predictions([0.1, 0.9], [True, False], size=4)
    found = hard_clips(pd.concat([right, wrong, other]), 8)
    assert found["misranked"].tolist() == [0.5, 0.5] and found["score"].tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="no predictions at 16"):
        hard_clips(right, 16)


def test_a_clip_never_tested_beside_the_other_class_is_left_out():
    alone = predictions([0.9, 0.8], [True, True], fold=1).replace("clip", "alone", regex=True)
    found = hard_clips(pd.concat([predictions([0.9, 0.1], [True, False]), alone]), 8)
    assert set(found["clip_id"]) == {"clip-0", "clip-1"}


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_the_mean_share_of_a_class_is_one_minus_the_auc(clips):
    from sklearn.metrics import roc_auc_score

    scores, positive = (np.array(column) for column in zip(*clips, strict=True))
    if len(set(positive)) < 2:
        return
    found = hard_clips(predictions(scores.astype(float), positive), 8, len(clips))
    expected = 1 - roc_auc_score(positive, scores)
    np.testing.assert_allclose(found.groupby("label")["misranked"].mean(), expected, atol=1e-9)
