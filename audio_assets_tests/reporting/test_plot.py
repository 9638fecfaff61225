"""The public call that draws the report's chart from a DataFrame."""

import doctest
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audio_assets import evaluate, plot
from audio_assets.models.registry import get_model
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.charts.render import PNG_SCALE, render
from audio_assets_tests.evaluation.conftest import simulate
from audio_assets_tests.reporting.fake_results import THREE, fake_curves

CURVES = fake_curves()


def line_titles(chart: Any) -> set[str]:
    return {model["title"] for model in chart.usermeta["switches"]}


def of_head(head: Any) -> pd.DataFrame:
    clips = simulate(6, 6)
    return evaluate(
        clips.embeddings, clips.labels, clips.recordings, sizes=(4,), repeats=1, head=head
    )


def test_the_examples_in_the_docstring_run() -> None:
    result = doctest.testmod(sys.modules["audio_assets.reporting.charts.plot"])
    assert result.attempted >= 8
    assert result.failed == 0


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
@pytest.mark.parametrize("species", ["coyote", "bullfrog", "bobwhite", "engine"])
def test_it_is_the_chart_of_the_report(species: str, metric: str) -> None:
    titles = {model: get_model(model).title for model in THREE}
    report = learning_curve_chart(CURVES, species=species, metric=metric, models=titles)
    assert plot(CURVES, species, metric=metric).to_json() == report.to_json()


def test_rows_of_one_species_need_no_name_of_it() -> None:
    one = CURVES[CURVES["species"] == "coyote"]
    assert plot(one).to_json() == plot(one, "coyote").to_json()


def test_lines_have_the_names_that_are_given_and_else_those_of_the_report() -> None:
    one = CURVES[CURVES["species"] == "coyote"]
    own = one[one["model"] == "birdnet"].assign(model="mine")
    chart = plot(pd.concat([one, own]), titles={"svm": "Mine as well"})
    others = {get_model(model).title for model in ("birdnet", "random_forest")}
    assert line_titles(chart) == {"mine", "Mine as well", *others}


def test_results_of_evaluate_are_drawn_under_the_names_of_their_heads() -> None:
    long = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
    curves = pd.concat([of_head("logistic"), of_head(long)])
    chart = plot(curves, "coyote")
    assert chart.title.text.startswith("Coyote: ROC-AUC")
    short, cut = sorted(line_titles(chart), key=len)
    assert short == "logistic"
    assert cut.startswith("Pipeline(") and len(cut) <= 40
    assert plot(curves).title.text.startswith("Your clips: ROC-AUC")
    named = pd.concat([of_head("logistic").assign(model="a"), of_head(long).assign(model="b")])
    assert line_titles(plot(named)) == {"a", "b"}


def test_the_warning_about_recordings_is_under_the_title() -> None:
    clips = simulate(6, 6)
    with pytest.warns(UserWarning, match="Give recordings"):
        curve = evaluate(clips.embeddings, clips.labels, sizes=(4,), repeats=1)
    lines = " ".join(plot(curve).title.subtitle)
    assert "Warning for logistic: no recordings were given" in lines


def test_svg_and_png_are_those_of_the_report(tmp_path: Path) -> None:
    chart = plot(CURVES, "coyote")
    rendered = render(chart)
    chart.save(tmp_path / "curves.svg")
    chart.save(tmp_path / "curves.png", scale_factor=PNG_SCALE)
    # Altair hands numbers over as such and not as text, which moves a line by 1e-13 pixels.
    ours, theirs = (
        re.split(r"(-?\d+\.\d+)", text)
        for text in ((tmp_path / "curves.svg").read_text(), rendered.svg)
    )
    assert ours[::2] == theirs[::2] and len(ours) > 1000
    np.testing.assert_allclose(
        np.array(ours[1::2], float), np.array(theirs[1::2], float), atol=1e-9
    )
    assert (tmp_path / "curves.png").read_bytes() == rendered.png


NO_NETWORK = """
import socket

def refuse(*_):
    raise OSError("no network in this test")

socket.socket.connect = socket.getaddrinfo = refuse
"""


def test_a_chart_is_drawn_and_saved_without_dagster_tensorflow_and_network(tmp_path: Path) -> None:
    CURVES.to_pickle(tmp_path / "curves.pickle")
    script = f"""{NO_NETWORK}
import sys
import pandas as pd
from audio_assets import plot
plot(pd.read_pickle("curves.pickle"), "coyote").save("curves.png")
assert not {{"dagster", "tensorflow"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("curves", "species", "words"),
    [
        (CURVES, None, r"4 species, bobwhite, .*plot\(curves, 'bobwhite'\)"),
        (CURVES, "owl", "no species 'owl'; it has bobwhite, bullfrog, coyote, engine"),
        (CURVES.drop(columns=["mean", "head"]), None, "lacks the columns mean, head"),
        (CURVES.iloc[:0], None, "no rows"),
        (CURVES.to_dict(), None, "must be a DataFrame, .* got dict"),
        (CURVES.assign(model=np.nan), "coyote", r"rows without model.*assign\(model=\.\.\.\)"),
        (CURVES.assign(species=None), "coyote", "rows without species"),
    ],
)
def test_rows_that_cannot_be_drawn_are_refused_with_what_to_do(
    curves: Any, species: str | None, words: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s)^curves .*{words}"):
        plot(curves, species)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown metric 'auc'; known are roc_auc"):
        plot(CURVES, "coyote", metric="auc")
