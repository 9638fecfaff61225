"""The map of the clips: the chart, and what the page says of it."""

import csv
import dataclasses
import io
import json

import pandas as pd
import pytest

from audio_assets.reporting.charts.embedding_map import drawn_clips, map_chart, variance_in_words
from audio_assets.reporting.charts.render import preview_png
from audio_assets.reporting.page.maps import embedding_map
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.fake_results import SEVEN, fake_map, fake_report
from audio_assets_tests.reporting.test_page import Page


def chart(clips: pd.DataFrame) -> dict:
    return json.loads(map_chart(clips, species="coyote", models=SEVEN).to_json())


def drawn(specification: dict) -> list[dict[str, str]]:
    data = specification["data"]
    assert data["format"]["type"] == "csv"
    return list(csv.DictReader(io.StringIO(data["values"])))


def test_every_clip_is_a_point_with_its_label_and_recording():
    clips = fake_map()
    points = {row["clip"]: row for row in drawn(chart(clips))}
    assert len(points) == len(clips)
    for row in clips.itertuples():
        point = points[row.clip_id]
        assert (point["label"], point["recording"]) == (row.label, row.recording_id)
        assert float(point["x"]) == pytest.approx(row.x, abs=1e-3)
        assert float(point["y"]) == pytest.approx(row.y, abs=1e-3)


def test_labels_differ_in_colour_and_shape_and_the_key_counts_them():
    encoding = chart(fake_map())["layer"][0]["encoding"]
    for channel in ("color", "shape"):
        assert encoding[channel]["scale"]["domain"] == ["pos", "neg"]
        assert len(set(encoding[channel]["scale"]["range"])) == 2
    assert "positive (24)" in encoding["color"]["legend"]["labelExpr"]


def test_the_axes_say_their_variance_and_have_one_scale():
    specification = chart(fake_map())
    encoding = specification["layer"][0]["encoding"]
    assert encoding["x"]["title"] == "First component (31 % of the variance)"
    assert encoding["y"]["title"] == "Second component (12 % of the variance)"
    units = [
        (high - low) / side
        for side, (low, high) in (
            (specification["width"], encoding["x"]["scale"]["domain"]),
            (specification["height"], encoding["y"]["scale"]["domain"]),
        )
    ]
    assert units[0] == pytest.approx(units[1], rel=1e-3)
    for row in drawn(specification):
        for axis in "xy":
            low, high = encoding[axis]["scale"]["domain"]
            assert low < float(row[axis]) < high


@pytest.mark.parametrize(
    "share, words", [(0.314, "31 %"), (0.004, "under 1 %"), (0.0, "0 %"), (float("nan"), "none")]
)
def test_a_share_of_the_variance_is_never_written_as_nothing(share, words):
    assert variance_in_words(share) == words


@pytest.mark.parametrize(
    "positive, negative, shown", [(400, 400, (300, 300)), (20, 900, (20, 580)), (300, 300, None)]
)
def test_of_many_clips_some_are_drawn_and_of_a_rare_label_all(positive, negative, shown):
    many = fake_map(recordings=300)
    clips = pd.concat(
        [
            many[many["label"] == "pos"].iloc[:positive],
            many[many["label"] == "neg"].iloc[:negative],
        ]
    )
    chosen = drawn_clips(clips)
    counts = chosen["label"].value_counts()
    assert (counts["pos"], counts["neg"]) == (shown or (positive, negative))
    again = drawn_clips(clips.sample(frac=1, random_state=1))
    assert again["clip_id"].tolist() == chosen["clip_id"].tolist()


def test_the_page_says_how_many_of_the_clips_are_drawn():
    said = Page(render_report(fake_report(embedding_maps=fake_map(recordings=150)))).said()
    assert "600 of 900 clips are drawn" in said
    assert "clips are drawn, chosen" not in Page(render_report(fake_report())).said()


def test_clips_on_one_point_have_a_map():
    same = {"x": 0.0, "y": 0.0, "variance_x": None, "variance_y": None}
    encoding = chart(fake_map(**same))["layer"][0]["encoding"]
    assert encoding["x"]["title"] == "First component (none of the variance)"
    low, high = encoding["x"]["scale"]["domain"]
    assert low < 0 < high


def test_the_map_says_in_words_where_the_labels_lie():
    description = chart(fake_map())["description"]
    assert (
        "Coyote: clips by the embeddings of BirdNET 2.4. 24 positive clips around (0."
        in description
    )
    assert "24 negative clips around (-0." in description
    assert "31 % and 12 % of the variance" in description


def test_the_page_says_how_to_read_the_map():
    said = Page(render_report(fake_report())).said()
    assert "Each point is a clip, placed by its BirdNET 2.4 embedding." in said
    assert "31 % of their variance lies along the first axis, 12 % along the second" in said
    assert "Where the clips of one recording lie together" in said


def test_the_page_says_where_a_classifier_does_not_see_what_the_map_shows():
    told = "The classifier of BirdNET 2.4 uses the embeddings differently"
    content = fake_report()
    for head, otherwise in (("logistic", False), ("svm", True), ("random_forest", True)):
        page_map = embedding_map(
            dataclasses.replace(content, curves=content.curves.assign(head=head)), "coyote"
        )
        assert any(told in text for text in page_map.sentences) is otherwise
        assert not any("the model tells" in text for text in page_map.sentences)


def test_a_best_model_without_a_map_is_said_and_a_species_without_a_result_says_nothing():
    said = Page(render_report(fake_report())).said()
    # Bullfrog and bobwhite have a best model each, engine has none.
    assert said.count("There is no map of the embeddings of") == 2


def test_names_of_clips_never_become_markup_and_quotes_stay():
    evil = "</script><script>1</script>\"',\n&"
    clips = fake_map(recordings=1, clips=1, recording_id=evil)
    assert {row["recording"] for row in drawn(chart(clips))} == {evil}
    assert Page(render_report(fake_report(embedding_maps=clips))).wrong == []


def test_the_picture_of_a_map_is_small_enough_for_the_ui():
    picture = preview_png(map_chart(fake_map(recordings=150), species="coyote", models=SEVEN))
    assert picture.startswith(b"\x89PNG") and len(picture) < 40_000
