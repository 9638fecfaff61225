"""The first screen of the report: the answer about each species beside a small chart."""

import dataclasses
import json

import pytest

from audio_assets.reporting.charts.small_curve import small_curve, svg
from audio_assets.reporting.page.cards import card
from audio_assets.reporting.page.page import render_report
from audio_assets.tables import ANSWER
from audio_assets_tests.reporting.emulation import shown_as
from audio_assets_tests.reporting.fake_results import (
    SEVEN,
    THREE,
    answer_row,
    answers_frame,
    fake_answers,
    fake_comparisons,
    fake_curves,
    fake_report,
    finding_row,
    findings_frame,
)
from audio_assets_tests.reporting.test_page import EVIL, Page

CURVES = fake_curves()


def drawn(species="coyote", target=0.95, model="birdnet") -> dict:
    chart = small_curve(CURVES, species=species, models=SEVEN, target=target, model=model)
    assert chart is not None
    return json.loads(chart.to_json())


def marks(spec: dict, kind: str) -> list[tuple[dict, list[dict]]]:
    return [
        (
            layer["mark"],
            spec["datasets"][layer["data"]["name"]] if "name" in layer["data"] else rows,
        )
        for layer in spec["layer"]
        if layer["mark"]["type"] == kind
        for rows in [layer["data"].get("values")]
    ]


def test_the_small_chart_has_each_mean_and_the_line_of_the_target():
    spec = drawn()
    points = [row["y"] for _, rows in marks(spec, "point") for row in rows]
    assert sorted(points) == sorted(CURVES.loc[CURVES["species"] == "coyote", "mean"])
    ((target, (row,)),) = [m for m in marks(spec, "rule") if "strokeDash" in m[0]]
    assert row["y"] == 0.95
    assert marks(spec, "text")[0][1][0]["text"] == ["target", "0.95"]


def test_the_target_is_on_the_axis_of_curves_far_above_it():
    low, high = drawn(species="bullfrog", target=0.6)["layer"][0]["encoding"]["y"]["scale"][
        "domain"
    ]
    assert low < 0.6 < high


def test_only_the_recommended_model_has_a_thick_line_and_intervals():
    spec = drawn()
    widths = [mark["strokeWidth"] for mark, _ in marks(spec, "line")]
    assert widths == [1.2, 1.2, 2.5]
    ((_, bars),) = [m for m in marks(spec, "rule") if "strokeDash" not in m[0]]
    of_model = CURVES[(CURVES["species"] == "coyote") & (CURVES["model"] == "birdnet")]
    assert sorted(row["low"] for row in bars) == sorted(of_model["ci_low"])
    spec = drawn(model=None)
    assert {mark["strokeWidth"] for mark, _ in marks(spec, "line")} == {1.2}
    assert len(marks(spec, "rule")) == 1


def test_a_species_without_a_point_has_no_chart():
    assert small_curve(CURVES, species="engine", models=THREE, target=0.95, model=None) is None
    assert card(fake_report(), "engine").chart == ""


def test_the_small_chart_takes_the_ink_of_the_page_and_has_no_ids():
    chart = small_curve(CURVES, species="coyote", models=THREE, target=0.95, model="birdnet")
    text = svg(chart)
    assert text.startswith('<svg aria-hidden="true" ')
    assert 'fill="currentColor"' in text and ' id="' not in text and "href" not in text


def said(**changes) -> str:
    return Page(render_report(fake_report(**changes))).said()


def test_the_first_screen_has_model_clips_proof_and_next_step():
    page = said(answers=fake_answers())
    for text in (
        "Use BirdNET 2.4. Highest AUC; MFCC + random forest may be as good or better, by at most "
        "0.012.",
        "Enough? 64 clips per class are enough: more gains at most 0.01.",
        "Proven? AUC 0.975 with 64 clips per class (0.957 to 0.986): proven to reach 0.95.",
        "Next Use it.",
        "No model can be recommended. No model has an interval. Next Label clips of 2 more",
    ):
        assert text in page
    assert page.index("Use BirdNET 2.4.") < page.index("Each model's ROC-AUC at its own largest")


def test_without_an_answer_the_page_says_so_and_gives_the_result_of_each_model():
    page = said(answers=answers_frame([]))
    assert "There is no answer yet, only the result of each model. BirdNET 2.4 reaches 0.95" in page
    content = fake_report()
    before = {name: rows for name, rows in content.tables.items() if name != ANSWER.name}
    assert (
        "There is no answer yet"
        in Page(render_report(dataclasses.replace(content, tables=before))).said()
    )


def test_a_warning_is_visible_beside_the_answer():
    found = finding_row("confound", variant="data", subject="file_format", value=1.0, warning=True)
    page = render_report(fake_report(answers=fake_answers(), findings=findings_frame([found])))
    of_coyote = page.split('aria-labelledby="answer-species-coyote"')[1].split("</article>")[0]
    shown, folded = of_coyote.split("<summary>Each model</summary>")
    assert "Warning: The file format alone separates" in shown and "Warning" not in folded


def test_the_description_has_the_auc_and_the_clips_of_each_model_and_the_target():
    description = card(fake_report(answers=fake_answers()), "coyote").description
    assert description.startswith("Chart of Coyote, ROC-AUC by training clips per class: ")
    assert "BirdNET 2.4 0.979 with 107 clips per class" in description
    assert description.endswith("The target is 0.95.")


def test_the_target_without_an_answer_is_that_of_the_clips_needed():
    report = fake_report(answers=answers_frame([]))
    assert card(report, "coyote").description.endswith("The target is 0.95.")
    report = fake_report(answers=answers_frame([]), comparisons=fake_comparisons().iloc[:0])
    assert "target" not in card(report, "coyote").description


def test_an_answer_never_becomes_markup():
    row = answer_row("coyote", next=EVIL, chosen_for=EVIL, tied=EVIL, tied_doubt=0.01)
    page = Page(render_report(fake_report(answers=answers_frame([row]))))
    assert page.wrong == []
    assert not any("onerror" in attributes for _, attributes in page.tags)


PLACES = """
const box = (selector) => {
  const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return [left, top, right, bottom];
};
return [".card figure", ".card .verdict > p", ".card dl", ".card figure svg"].map(box);
"""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_the_first_screen_shows_an_answer_and_its_chart(open_page, chromium, width, height, scheme):
    answers = answers_frame([answer_row("bobwhite"), answer_row("coyote")])
    with shown_as(chromium, width, scheme):
        page = open_page(render_report(fake_report(answers=answers)))
        chart, use, steps, picture = page.driver.execute_script(PLACES)
        wide = page.driver.execute_script("return document.documentElement.scrollWidth")
        ink = page.driver.execute_script(
            "return [document.body, document.querySelector('.card svg text')].map("
            "(e, i) => getComputedStyle(e)[i ? 'fill' : 'color'])"
        )
    for left, top, right, bottom in (chart, use, steps, picture):
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
    # Letters keep their size.
    assert picture[2] - picture[0] > 280
    if width > 600:
        assert chart[0] >= max(use[2], steps[2]) and chart[1] < steps[3]
    else:
        assert chart[3] <= use[1]
        assert wide == width
    assert ink[0] == ink[1]
    assert page.errors == [] and page.requests == []
