from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audio_assets.errors import SplitLeakError
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.scores.inputs import training_sizes
from audio_assets.evaluation.splits.plan import NoEvaluation, make_split_plan

Clips = Any
Simulate = Callable[..., Clips]


def grid(clips: Clips, plan: Any = None, **options: Any) -> Any:
    if plan is None:
        plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=2)
    options = {"sizes": (4, 8), "head": "logistic", "seed": 3} | options
    return score_folds(clips.embeddings, clips.labels, clips.recordings, plan, **options)


def aucs(results: Any) -> pd.Series:
    scores = results.scores[results.scores["metric"] == "roc_auc"]
    return scores.groupby("training_size")["value"].mean()


@pytest.mark.parametrize(
    "head", ["logistic", "svm", pytest.param("random_forest", marks=pytest.mark.slow)]
)
def test_shuffled_rows_and_new_names_give_identical_scores(head: str, simulated: Simulate) -> None:
    clips = simulated(6, 7)
    rows = np.random.default_rng(1).permutation(len(clips.labels))
    other = clips.take(rows)
    other.recordings[:] = [name[::-1] for name in other.recordings]
    one, two = (
        grid(c, make_split_plan(c.labels, c.recordings, keys=c.keys, repeats=1), head=head)
        for c in (clips, other)
    )
    pd.testing.assert_frame_equal(one.scores, two.scores, check_exact=True)
    by = ["repeat", "training_size", "clip"]
    back = two.predictions.assign(
        clip=rows[two.predictions["clip"]],
        recording_id=[name[::-1] for name in two.predictions["recording_id"]],
    ).sort_values(by)
    pd.testing.assert_frame_equal(one.predictions, back.reset_index(drop=True), check_exact=True)


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(simulated: Simulate) -> None:
    clips = simulated(4, 4)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, folds=2, repeats=1)
    one, two = (grid(clips, plan, head="random_forest", workers=w) for w in (1, 2))
    pd.testing.assert_frame_equal(one.scores, two.scores, check_exact=True)
    pd.testing.assert_frame_equal(one.predictions, two.predictions, check_exact=True)


def test_every_clip_has_one_prediction_a_repeat_and_size(simulated: Simulate) -> None:
    clips = simulated()
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=2)
    predictions = grid(clips, plan).predictions
    counts = predictions.groupby(["repeat", "training_size"])["clip"].agg(["size", "nunique"])
    assert (counts == len(clips.labels)).all().all()
    places = predictions[["repeat", "clip"]].to_numpy()
    assert (plan.folds[places[:, 0], places[:, 1]] == predictions["fold"]).all()


def test_the_published_auc_is_that_of_the_published_predictions(simulated: Simulate) -> None:
    from sklearn.metrics import roc_auc_score

    clips = simulated()
    results = grid(clips)
    by = ["repeat", "fold", "training_size"]
    auc = results.scores[results.scores["metric"] == "roc_auc"].set_index(by)["value"]
    for place, cell in results.predictions.groupby(by):
        assert auc[place] == pytest.approx(roc_auc_score(clips.labels[cell["clip"]], cell["score"]))


def test_folds_over_clips_are_refused_where_recordings_leak(simulated: Simulate) -> None:
    clips = simulated()
    leaking = make_split_plan(clips.labels, np.array(clips.keys), keys=clips.keys)
    with pytest.raises(SplitLeakError, match="lies in folds"):
        grid(clips, leaking)


def test_folds_over_clips_inflate_the_auc(simulated: Simulate) -> None:
    honest, leaking = [], []
    for seed in range(5):
        clips = simulated(12, 12, clips=6, shift=0.0, effect=2.0, dimension=30, seed=seed)
        honest.append(aucs(grid(clips)).iloc[-1])
        # As if every clip were a recording of its own: the rule is off.
        clips.recordings[:] = [f"clip-{number}" for number in range(len(clips.labels))]
        leaking.append(aucs(grid(clips)).iloc[-1])
    assert np.mean(honest) < 0.6
    assert np.mean(leaking) > np.mean(honest) + 0.15


def test_sizes_beyond_the_largest_are_dropped_and_the_largest_is_added() -> None:
    assert training_sizes((4, 8, 300), 20) == [4, 8, 20]
    assert training_sizes((0, 20, 4), 20) == [4, 20]
    assert training_sizes((8,), 20, also_largest=False) == [8]
    for wrong in (-1, 2.5, "4", True):
        with pytest.raises(ValueError, match="whole number"):
            training_sizes((wrong,), 20)  # type: ignore[arg-type]


def test_class_scores_are_size_zero_on_the_same_folds(simulated: Simulate) -> None:
    clips = simulated()
    results = grid(clips, class_scores=clips.embeddings[:, 0])
    zero = results.scores[results.scores["training_size"] == 0]
    four = results.scores[results.scores["training_size"] == 4]
    assert zero["test_fold"].tolist() == four["test_fold"].tolist()
    assert (zero[["recordings_pos", "recordings_neg"]] == 0).all().all()
    assert (
        zero.loc[zero["metric"] == "brier", "reason"] == "the scores are not probabilities"
    ).all()
    scores = results.predictions.query("training_size == 0")
    np.testing.assert_array_equal(scores["score"], clips.embeddings[scores["clip"], 0])
    assert not scores["is_probability"].any()


def test_an_encoder_without_the_class_has_no_size_zero(simulated: Simulate) -> None:
    clips = simulated()
    scores = np.full(len(clips.labels), np.nan)
    assert 0 not in aucs(grid(clips, class_scores=scores))
    scores[0] = 1.0
    with pytest.raises(ValueError, match="finite for all clips, or NaN for all"):
        grid(clips, class_scores=scores)


def test_a_test_fold_that_lost_a_class_to_unusable_clips_is_empty_with_a_reason(
    simulated: Simulate,
) -> None:
    clips = simulated(6, 6)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=1, folds=3)
    kept = np.flatnonzero((plan.folds[0] != 0) | (clips.labels == 0))
    scores = grid(clips.take(kept), plan.take(kept)).scores
    lost = scores[scores["fold"] == 0]
    assert lost["value"].isna().all() and (lost["test_pos"] == 0).all()
    assert (lost["reason"] == "the test fold has no positive clips").all()
    assert scores[(scores["fold"] > 0) & (scores["metric"] == "roc_auc")]["value"].notna().all()


def test_a_class_without_training_clips_is_no_evaluation(simulated: Simulate) -> None:
    clips = simulated(4, 4)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=1, folds=2)
    kept = np.flatnonzero((plan.folds[0] == 0) | (clips.labels == 0))
    with pytest.raises(NoEvaluation, match="without training clips"):
        grid(clips.take(kept), plan.take(kept))
    kept = np.flatnonzero((clips.recordings == clips.recordings[0]) | (clips.labels == 0))
    with pytest.raises(NoEvaluation, match="only 1 recording has positive clips"):
        grid(clips.take(kept), plan.take(kept))


def test_equal_folds_share_a_digest_and_others_do_not(simulated: Simulate) -> None:
    clips = simulated(9, 9)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys)
    scores = grid(clips, plan, sizes=()).scores
    folds = {
        (r, f): frozenset(np.flatnonzero(plan.folds[r] == f)) for r in range(5) for f in range(5)
    }
    digests = scores.drop_duplicates(["repeat", "fold"]).set_index(["repeat", "fold"])["test_fold"]
    for one, content in folds.items():
        for two, other in folds.items():
            assert (digests[one] == digests[two]) == (content == other)


def test_recording_counts_are_those_of_the_training_subset(simulated: Simulate) -> None:
    scores = grid(simulated(12, 12), sizes=(4,)).scores
    assert (scores.loc[scores["training_size"] == 4, "recordings_pos"] == 4).all()
    assert scores.loc[scores["training_size"] > 4, "recordings_neg"].between(9, 10).all()


def test_progress_counts_up_to_the_end(simulated: Simulate) -> None:
    seen: list[tuple[int, int]] = []
    grid(simulated(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, 30), (20, 30), (30, 30)]
    seen.clear()
    clips = simulated(4, 4)
    options: dict[str, Any] = {"sizes": (), "head": "random_forest"}
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, folds=2, repeats=1)
    grid(clips, plan, progress=lambda done, total: seen.append((done, total)), **options)
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"head": "oracle"}, "unknown head 'oracle'; there are logistic"),
        ({"protocol": "loo"}, "protocol 'loo'"),
        ({"workers": 0}, "workers"),
        ({"class_scores": np.zeros(3)}, "class_scores"),
    ],
)
def test_wrong_arguments_are_refused(
    options: dict[str, Any], text: str, simulated: Simulate
) -> None:
    with pytest.raises(ValueError, match=text):
        grid(simulated(), **options)
