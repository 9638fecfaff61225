"""Wrong arguments of the Python calls are refused one at a time, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVC

from audio_assets import evaluate, make_split_plan
from audio_assets.evaluation.splits.arguments import name_array
from audio_assets.evaluation.splits.holdout import make_holdout_plan
from audio_assets_tests.evaluation.conftest import Clips, simulate

NO_WHOLE_NUMBERS = (2.5, True, "3", None, -1, [3], np.array([3]))


class DuckTyped:
    """A classifier that scikit-learn can neither clone nor recognise."""

    def fit(self, features: Any, labels: Any) -> None: ...
    def predict_proba(self, features: Any) -> None: ...


def of_evaluate(**change: Any) -> None:
    clips = simulate()
    given = {"embeddings": clips.embeddings, "labels": clips.labels} | change
    given.setdefault("recordings", clips.recordings)
    evaluate(**given)


def of_plan(**change: Any) -> None:
    clips = simulate()
    make_split_plan(**{"labels": clips.labels, "recordings": clips.recordings} | change)


def wrong() -> list[tuple[Callable[..., None], str, Any, str]]:
    """A call, an argument, a value that it cannot have, and words of the error."""
    cases: list[tuple[Callable[..., None], str, Any, str]] = [
        (of_evaluate, "embeddings", np.zeros(72), r"\[n_clips, d\], got shape \(72,\)"),
        (of_evaluate, "embeddings", np.zeros((72, 0)), r"\[n_clips, d\]"),
        (of_evaluate, "embeddings", np.full((72, 2), "x"), "numbers"),
        (of_evaluate, "embeddings", np.full((72, 2), np.nan), "first in row 0"),
        (of_evaluate, "embeddings", [[1.0, 2.0], [3.0]], "array"),
        (of_evaluate, "labels", np.zeros(3), r"\[72\] like embeddings"),
        (of_evaluate, "recordings", ["a"], r"\[72\] like embeddings"),
        (of_evaluate, "recordings", [""] * 72, "none may be empty"),
        (of_evaluate, "recordings", np.full(72, np.nan), "names"),
        (of_evaluate, "keys", ["a"], r"\[72\] like embeddings"),
        (of_evaluate, "keys", ["a"] * 72, "rows 0 and 1 both have 'a'"),
        (of_evaluate, "keys", np.arange(72) / 2, "names"),
        (of_evaluate, "keys", "abc", "shape"),
        (of_evaluate, "head", "oracle", "one of logistic, .*, got 'oracle'"),
        (of_evaluate, "head", ["svm"], "one of logistic, .* scikit-learn .* fit .*, got list"),
        (of_evaluate, "head", None, "one of logistic, .* scikit-learn .* fit .*, got NoneType"),
        (of_evaluate, "head", SVC, r"an instance, SVC\(\), and not the class"),
        (of_evaluate, "head", LinearRegression(), "predict_proba or .*, got LinearRegression"),
        (of_evaluate, "head", IsolationForest(), "IsolationForest is .* not a classifier"),
        (of_evaluate, "head", DuckTyped(), "DuckTyped .* BaseEstimator"),
        (of_evaluate, "protocol", "loo", "one of cv, holdout, got 'loo'"),
        (of_evaluate, "bootstrap", 5, "at least 100, got 5"),
        (of_evaluate, "sizes", 4, r"sequence of training sizes, .*, got 4"),
        (of_evaluate, "sizes", "48", "sequence"),
        (of_evaluate, "sizes", (-4,), "whole numbers .*, got -4"),
        (of_evaluate, "sizes", (4.0,), "whole numbers .*, got 4.0"),
        (of_evaluate, "sizes", (0, 4), "give it as class_scores"),
        (of_evaluate, "class_scores", np.zeros(3), r"\[72\] like embeddings"),
        (of_evaluate, "class_scores", np.full(72, np.nan), "NaN"),
        (of_evaluate, "class_scores", ["high"] * 72, "numbers"),
        (of_evaluate, "splits", {"folds": 5}, "SplitPlan, as make_split_plan gives it, got dict"),
        (of_plan, "labels", 1, "shape"),
        (of_plan, "recordings", ["a"], r"\[72\] like labels"),
        (of_plan, "keys", ["a"], r"\[72\] like labels"),
        (of_plan, "variants", ["data"], r"\[72\] like labels"),
        (of_plan, "variants", ["data_3s"] * 72, "data or data_5s"),
    ]
    for call in (of_evaluate, of_plan):
        cases += [
            (call, name, value, "whole number")
            for name in ("folds", "repeats", "seed")
            for value in NO_WHOLE_NUMBERS
        ]
        cases += [(call, "folds", 1, "at least 2"), (call, "repeats", 0, "at least 1")]
        cases += [(call, "seed", 2**63, "from 0 to")]
        cases += [
            (call, "labels", value, f"0 .* or 1 .*, or 'neg' or 'pos', .*, got {got} in row")
            for value, got in (
                (np.full(72, 2), "2"),
                (np.full(72, 0.5), "0.5"),
                (np.r_[np.zeros(71), np.nan], "nan"),
                (["Pos"] * 72, "'Pos'"),
                (["1"] * 72, "'1'"),
                (["pos"] * 71 + [None], "None"),
                (["pos"] * 71 + [1], "'1'"),
                (np.array([1] * 71 + ["neg"], dtype=object), "'neg'"),
                ([b"pos"] * 72, "b'pos'"),
            )
        ]
    for name in ("bootstrap", "holdout_per_class"):
        cases += [(of_evaluate, name, value, "whole number") for value in NO_WHOLE_NUMBERS]
    cases += [(of_evaluate, "holdout_per_class", 0, "at least 1, got 0")]
    numbers = (0, 1, 95, -0.5, True, "x", None, float("nan"), [0.95])
    cases += [(of_evaluate, "ci_level", value, "between 0 and 1") for value in numbers]
    return cases


@pytest.mark.parametrize(
    ("call", "name", "value", "words"),
    wrong(),
    ids=[f"{call.__name__}-{name}-{place}" for place, (call, name, _, _) in enumerate(wrong())],
)
def test_an_argument_that_cannot_be_is_refused_by_name(
    call: Callable[..., None], name: str, value: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s)^{name} .*{words}"):
        call(**{name: value})


def test_whole_numbers_of_numpy_and_of_any_sequence_are_as_good() -> None:
    clips = simulate()
    given = (clips.embeddings, clips.labels, clips.recordings)
    usual = evaluate(*given, sizes=(4, 8), folds=4, repeats=2, seed=3)
    same = evaluate(
        *given, sizes=np.array([8, 4]), folds=np.int64(4), repeats=np.uint8(2), seed=np.int32(3)
    )
    assert same.to_csv() == usual.to_csv()


def test_a_plan_of_other_clips_or_of_the_other_protocol_or_beside_keys_is_refused(
    simulated: Callable[..., Clips],
) -> None:
    clips = simulated()
    plan = make_split_plan(clips.labels, clips.recordings)
    with pytest.raises(ValueError, match="splits has 5 clips, embeddings have 72"):
        of_evaluate(splits=plan.take(np.arange(5)))
    with pytest.raises(ValueError, match="splits is of the protocol 'cv', protocol is 'holdout'"):
        of_evaluate(splits=plan, protocol="holdout")
    with pytest.raises(ValueError, match="splits is of the protocol 'holdout', protocol is 'cv'"):
        of_evaluate(splits=make_holdout_plan(clips.labels, clips.recordings))
    with pytest.raises(ValueError, match="give one of the two"):
        of_evaluate(splits=plan, keys=clips.keys)


def test_a_bootstrap_of_clips_is_refused_under_a_fixed_test_set_before_anything_is_drawn() -> None:
    with pytest.raises(ValueError, match="over its test recordings; bootstrap must be 0, got 100"):
        of_evaluate(protocol="holdout", bootstrap=100)


def test_the_encoders_own_score_is_there_where_it_is_given() -> None:
    clips = simulate()
    scores = clips.embeddings[:, 0]
    for sizes in ((4,), (0, 4)):
        curve = evaluate(
            clips.embeddings, clips.labels, clips.recordings, sizes=sizes, class_scores=scores
        )
        assert sorted(set(curve["training_size"]))[:2] == [0, 4]


def test_a_recording_that_is_missing_in_a_list_is_refused() -> None:
    # Beside text numpy makes it the name "nan", and one recording of all clips without one.
    with pytest.raises(ValueError, match="recordings must be names"):
        name_array("recordings", [float("nan"), "r1", "r2"], 3)
    assert name_array("recordings", ["nan", 2], 2).tolist() == ["nan", "2"]
