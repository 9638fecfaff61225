from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from audio_assets.evaluation.intervals.comparison import differences, gain_rows, holm, needed_rows
from audio_assets.evaluation.intervals.learning_curve import summarise
from audio_assets.evaluation.intervals.recording_values import recording_values
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.results.validation import validate
from audio_assets.tables import MODEL_COMPARISON


@pytest.fixture
def models(simulated: Callable[..., Any]) -> dict[str, FoldResults]:
    clips = simulated(12, 12, shift=4.0)
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys)
    rng = np.random.default_rng(5)
    blurred = clips.embeddings + rng.normal(size=clips.embeddings.shape)
    noise = rng.normal(size=clips.embeddings.shape)
    vectors = {"sharp": clips.embeddings, "blurred": blurred, "noise": noise}
    sizes = {"sharp": (4, 8), "blurred": (4, 16), "noise": (4,)}
    return {
        name: score_folds(
            vectors[name], clips.labels, clips.recordings, plan, sizes=sizes[name], head="logistic"
        )
        for name in vectors
    }


def table_of(models: dict[str, FoldResults]) -> pd.DataFrame:
    return differences(
        {name: result.scores for name, result in models.items()},
        {name: result.predictions for name, result in models.items()},
        species="coyote",
        ci_level=0.95,
    )


def test_a_difference_is_paired_by_fold_and_corrected(models: dict[str, FoldResults]) -> None:
    table = table_of(models)
    validate(table, MODEL_COMPARISON)
    row = table.query("model_a == 'blurred' and model_b == 'sharp' and metric == 'roc_auc'").iloc[0]
    assert row["training_size"] == 4 and row["status"] == "ok"
    values = [
        models[name].scores.query("training_size == 4 and metric == 'roc_auc'")["value"].to_numpy()
        for name in ("blurred", "sharp")
    ]
    difference = values[0] - values[1]
    assert 20 <= row["distinct_folds"] <= 25
    pulls = [recording_values(models[name].predictions) for name in ("blurred", "sharp")]
    pulls = [t.query("training_size == 4 and metric == 'roc_auc'") for t in pulls]
    pairs = pulls[0].merge(pulls[1], on=["label", "recording_id"])
    gaps = pairs.assign(gap=pairs["value_x"] - pairs["value_y"]).groupby("label")["gap"]
    variance = (gaps.var() / gaps.size()).sum()
    degrees = variance**2 / ((gaps.var() / gaps.size()) ** 2 / (gaps.size() - 1)).sum()
    level = np.mean(values)
    of_repeats = difference.reshape(5, 5).mean(axis=1).var(ddof=1)
    trained = min(1.5 * np.sqrt(level * (1 - level)) * variance, 5 * of_repeats)
    error = np.sqrt(variance + trained + of_repeats / 5)
    half = student.ppf(0.975, degrees) * error
    assert row["difference"] == pytest.approx(difference.mean())
    assert row["ci_low"] == pytest.approx(difference.mean() - half)
    assert row["ci_high"] == pytest.approx(difference.mean() + half)
    p = 2 * student.sf(abs(difference.mean()) / error, degrees)
    assert row["p_value"] == pytest.approx(p)
    assert row["p_holm"] >= row["p_value"]


def test_models_are_compared_at_sizes_that_both_have(models: dict[str, FoldResults]) -> None:
    table = table_of(models)
    sizes = {
        (a, b): set(group["training_size"])
        for (a, b), group in table.groupby(["model_a", "model_b"])
    }
    largest = int(models["sharp"].scores["training_size"].max())
    assert sizes[("blurred", "sharp")] == {4, largest}
    assert len(sizes) == 3


def test_a_model_against_itself_has_no_p_value(models: dict[str, FoldResults]) -> None:
    table = table_of({"a": models["sharp"], "b": models["sharp"]})
    auc = table[table["metric"] == "roc_auc"]
    assert (auc["difference"] == 0.0).all() and auc["p_value"].isna().all()
    assert (auc["status"] == "the models differ by the same amount in every fold").all()


def with_shared_recordings(models: dict[str, FoldResults], pos: int, neg: int) -> pd.DataFrame:
    """A comparison of two models whose other recordings have names of their own."""
    predictions = {name: models[name].predictions for name in ("blurred", "sharp")}
    names = sorted(set(predictions["sharp"]["recording_id"]))
    by_class = predictions["sharp"].groupby("recording_id")["label"].first()
    kept = [
        *[name for name in names if by_class[name] == "pos"][:pos],
        *[name for name in names if by_class[name] == "neg"][:neg],
    ]
    table = predictions["sharp"]
    own = table["recording_id"].where(table["recording_id"].isin(kept), table["recording_id"] + "x")
    predictions["sharp"] = table.assign(recording_id=own)
    scores = {name: models[name].scores for name in predictions}
    found = differences(scores, predictions, species="coyote", ci_level=0.95)
    return found[found["metric"] == "roc_auc"]


@pytest.mark.parametrize(("pos", "neg"), [(0, 0), (1, 1), (4, 12), (12, 3)])
def test_few_recordings_that_both_models_were_tested_on_leave_no_interval(
    models: dict[str, FoldResults], pos: int, neg: int
) -> None:
    few = with_shared_recordings(models, pos, neg)
    assert few["ci_low"].isna().all() and few["p_value"].isna().all()
    said = "fewer than 5 recordings of a class that both models were tested on"
    assert set(few["status"]) == {f"{said}, {pos} positive and {neg} negative"}
    assert few["difference"].notna().all()


def test_five_recordings_that_both_models_were_tested_on_give_an_interval(
    models: dict[str, FoldResults],
) -> None:
    found = with_shared_recordings(models, 5, 5)
    assert set(found["status"]) == {"ok"} and found["ci_low"].notna().all()


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.6, 0.9]), [1.0, 1.0])
    # A missing p-value keeps its place in the family.
    np.testing.assert_allclose(holm([0.01, np.nan]), [0.02, np.nan])


@settings(max_examples=200)
@given(st.lists(st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.01, 0.05])), min_size=1))
def test_holm_equals_that_of_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats import multitest

    # It collects garbage at each call: 0.1 s in a process of its own, 0.8 s after other tests.
    with mock.patch("gc.collect"):
        expected = multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected, rtol=0, atol=1e-12)


def test_clips_needed_is_a_row_a_model(models: dict[str, FoldResults]) -> None:
    curves = {
        name: summarise(
            r.scores, r.predictions, recordings=r.recordings, ci_level=0.95, head="logistic"
        )
        for name, r in models.items()
    }
    table = needed_rows(curves, species="coyote", ci_level=0.95, target=0.6)
    validate(table, MODEL_COMPARISON)
    assert table["model_a"].tolist() == ["blurred", "noise", "sharp"]
    sharp = table.iloc[2]
    assert sharp["status"] == "ok" and sharp["training_size"] >= 4
    assert sharp["needed_low"] <= sharp["training_size"] <= sharp["needed_high"]
    assert table.iloc[1]["status"].startswith("not reached with n = ")
    assert pd.isna(table.iloc[1]["needed_high"]) and (table["largest_size"] > 16).all()


def test_one_model_alone_has_no_differences(models: dict[str, FoldResults]) -> None:
    table = table_of({"sharp": models["sharp"]})
    assert table.empty and list(table.columns) == list(MODEL_COMPARISON.column_names)


def test_the_gain_of_the_largest_size_is_paired_by_fold(models: dict[str, FoldResults]) -> None:
    result = models["blurred"]
    table = gain_rows(
        result.scores, result.predictions, species="coyote", model="blurred", ci_level=0.95
    )
    validate(table, MODEL_COMPARISON)
    scores = result.scores.query("metric == 'roc_auc'").set_index(["repeat", "fold"])
    at = {int(size): rows["value"] for size, rows in scores.groupby("training_size")}
    largest = max(at)
    assert list(table["training_size"]) == sorted(set(at) - {largest})
    for row in table.to_dict("records"):
        gains = at[largest] - at[row["training_size"]]
        assert row["kind"] == "gain" and row["largest_size"] == largest
        assert row["difference"] == pytest.approx(gains.mean())
        assert row["ci_low"] < row["difference"] < row["ci_high"]


def test_a_gain_that_is_the_same_in_every_fold_is_its_own_interval(
    models: dict[str, FoldResults],
) -> None:
    result = models["blurred"]
    perfect = result.predictions.assign(score=(result.predictions["label"] == "pos") * 1.0)
    scores = result.scores.assign(value=1.0)
    row = gain_rows(scores, perfect, species="coyote", model="m", ci_level=0.95).iloc[0]
    assert (row["difference"], row["ci_low"], row["ci_high"], row["status"]) == (0, 0, 0, "ok")


def test_one_size_gains_nothing_over_another(models: dict[str, FoldResults]) -> None:
    result = models["noise"]
    one = result.scores[result.scores["training_size"] == 4]
    table = gain_rows(one, result.predictions, species="coyote", model="noise", ci_level=0.95)
    assert table.empty and list(table.columns) == list(MODEL_COMPARISON.column_names)


def test_the_adjusted_interval_excludes_0_just_where_holm_tells_the_models_apart(
    models: dict[str, FoldResults],
) -> None:
    table = table_of(models)
    table = table[table["holm_low"].notna()]
    apart = (table["holm_low"] > 0) | (table["holm_high"] < 0)
    told = table["p_holm"] < 0.05
    assert told.any() and not told.all()
    # An interval of a pair that is not told apart always includes 0.
    assert not (apart & ~told).any()
    assert (table["holm_low"] <= table["ci_low"]).all()
    assert (table["holm_high"] >= table["ci_high"]).all()
