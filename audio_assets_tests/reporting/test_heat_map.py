import re

import pytest

from audio_assets.reporting.charts.embed import template_text
from audio_assets.reporting.page.heat_map import STEPS, HeatCell, heat_map
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.fake_results import curve_frame, curve_row, fake_report
from audio_assets_tests.reporting.test_page import Page


def cells(**changes):
    table = heat_map(fake_report(**changes))
    assert table is not None
    return {
        (species, model): cell
        for species, row in table.rows
        for model, cell in zip(table.models, row, strict=True)
    }


def test_a_cell_is_the_auc_at_the_models_own_largest_size():
    shown = cells()
    assert shown["coyote", "BirdNET 2.4"] == HeatCell("0.979", "n = 107", 5)
    assert shown["bobwhite", "MFCC + SVM"].detail == "n = 13"


def test_a_cell_without_a_number_says_why():
    shown = cells()
    assert shown["engine", "MFCC + SVM"] == HeatCell("not evaluated", "no negative clips", None)
    assert shown["human_vocal", "MFCC + SVM"] == HeatCell("no result", "", None)
    assert shown["coyote", "Perch 8"] == HeatCell("left out", "", None)


def test_models_that_nothing_is_known_of_have_no_column():
    assert not any(model == "VGG16" for _, model in cells())


def test_an_untrained_model_has_its_point_at_0():
    rows = curve_frame([curve_row("owl", "birdnet", 0, mean=0.8)])
    assert cells(curves=rows)["owl", "BirdNET 2.4"] == HeatCell("0.800", "untrained", 3)


@pytest.mark.parametrize(
    "auc, level", [(0.3, 0), (0.6, 1), (0.7996, 3), (0.79949, 2), (0.95, 5), (1.0, 5)]
)
def test_the_colour_is_that_of_the_printed_number(auc, level):
    rows = curve_frame([curve_row("owl", "birdnet", 4, mean=auc)])
    assert cells(curves=rows)["owl", "BirdNET 2.4"].level == level


def test_a_report_of_nothing_has_no_map():
    nothing = {"curves": curve_frame([]), "charts": {}, "missing": [], "left_out": {}}
    rules = fake_report().recording_rules.iloc[:0]
    assert heat_map(fake_report(recording_rules=rules, **nothing)) is None


def test_the_map_comes_after_the_answers_and_is_in_the_navigation():
    html = render_report(fake_report())
    page = Page(html)
    assert html.index('id="answers"') < html.index('id="heat-map"') < html.index('id="species-')
    assert "#heat-map" in {attributes["href"] for attributes in page.attributes("a")}
    assert "0.6 to 0.7" in page.said() and "0.979 n = 107" in page.said()


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_colours_darken_in_order_and_their_ink_contrasts():
    rules = re.findall(
        r"\.heat-(\d) \{ background: (#\w{6}); color: (#\w{6}); \}", template_text("style.css")
    )
    assert [int(level) for level, _, _ in rules] == list(range(len(STEPS) + 1))
    papers = [luminance(paper) for _, paper, _ in rules]
    assert papers == sorted(papers, reverse=True)
    for (_, _, ink), paper in zip(rules, papers, strict=True):
        low, high = sorted((paper, luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5
