import pytest

from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.charts.render import render
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.emulation import shown_as
from audio_assets_tests.reporting.fake_results import (
    THREE,
    calibration_frame,
    fake_curves,
    fake_quarantine,
    fake_report,
)

pytestmark = pytest.mark.browser

HOVER = """
const [mark, x, y] = arguments;
const box = mark.getBoundingClientRect();
const at = {bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};
for (const type of ["pointerover", "pointermove", "mouseover", "mousemove"]) {
  mark.dispatchEvent(new PointerEvent(type, at));
}
"""

LEAVE = HOVER.replace("over", "out")

UNNAMED = """
const named = e => e.textContent.trim() || e.getAttribute("aria-label");
const symbols = [...document.querySelectorAll("svg g[role=graphics-symbol]")];
return [
  [...document.querySelectorAll("summary")].filter(e => !named(e)).map(e => e.outerHTML),
  symbols.filter(e => !e.childElementCount && !named(e)).map(e => e.outerHTML),
];
"""

SEEN = """
return [...document.querySelectorAll(arguments[0])].filter(e => e.getClientRects().length).length;
"""

CLIPS = """
const done = arguments[0];
const shown = [...document.querySelectorAll(".clips img")].map(image => image.naturalWidth);
const player = document.querySelector(".clips audio");
player.addEventListener("loadedmetadata", () => done([shown, player.duration]));
player.addEventListener("error", () => done([shown, -1]));
player.load();
player.preload = "metadata";
"""


def waits(page, until) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page.driver, 20).until(lambda _: until())


def chart_html(species="coyote") -> str:
    return render(learning_curve_chart(fake_curves(), species=species, models=THREE)).html


def count(page, selector: str) -> int:
    return page.driver.execute_script(
        "return document.querySelectorAll(arguments[0]).length", selector
    )


def texts(page, selector: str) -> list[str]:
    return page.driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
    )


def test_a_chart_opens_from_disk_without_errors_or_requests(open_page):
    page = open_page(chart_html())
    assert page.errors == []
    assert page.requests == []


def test_a_charts_marks_and_labels_are_drawn(open_page):
    page = open_page(chart_html())
    # 7 + 6 + 6 points, and one symbol beside each of three labels.
    assert count(page, "svg .mark-symbol.role-mark path") == 22
    assert count(page, "svg .mark-line path") == 3
    labels = texts(page, "svg .mark-text text")
    assert "BirdNET 2.4: 0.979" in labels
    assert "0 (untrained)" in labels
    assert "chance (0.5)" in labels
    assert "Coyote: ROC-AUC by number of training clips" in labels


def test_a_point_shows_its_tooltip(open_page):
    page = open_page(chart_html())
    point = page.driver.find_elements("css selector", "svg .mark-symbol.role-mark path")[0]
    page.driver.execute_script(HOVER, point)
    (tooltip,) = texts(page, "#vg-tooltip-element.visible")
    assert "BirdNET 2.4" in tooltip
    assert "interval status" in tooltip
    assert "5 × 5 repeats, 25 distinct" in tooltip


def test_switching_a_model_off_takes_it_out_of_the_chart_and_on_brings_it_back(open_page):
    page = open_page(chart_html())
    boxes = page.driver.find_elements("css selector", ".switches input[type=checkbox]")
    assert texts(page, ".switches label") == [f" {title}" for title in THREE.values()]
    before = texts(page, "svg .mark-text text")
    symbols = count(page, "svg .mark-symbol.role-mark path")
    # By the keyboard, as who has no pointer.
    boxes[0].send_keys(" ")
    waits(page, lambda: count(page, "svg .mark-line path") == 2)
    after = texts(page, "svg .mark-text text")
    assert set(before) - set(after) == {"BirdNET 2.4: 0.979"}
    # Its 7 points and the symbol beside its label.
    assert count(page, "svg .mark-symbol.role-mark path") == symbols - 8
    boxes[0].send_keys(" ")
    waits(page, lambda: count(page, "svg .mark-line path") == 3)
    assert sorted(texts(page, "svg .mark-text text")) == sorted(before)
    assert page.errors == []


def test_each_chart_of_the_report_has_switches_of_its_own(open_page):
    page = open_page(render_report(fake_report()))
    groups = page.driver.find_elements("css selector", ".switches")
    # Engine has no line to switch.
    assert len(groups) == 3
    groups[0].find_element("css selector", "input").click()
    waits(page, lambda: count(page, ".chart svg .mark-line path") == 8)


def standing_out(page) -> int:
    """Clips of the map that are not faded."""
    return count(page, '.map .mark-symbol.role-mark path[opacity="1"]')


def test_the_clips_of_a_recording_are_shown_by_choosing_it_or_pointing_at_one_of_them(open_page):
    from selenium.webdriver.support.ui import Select

    page = open_page(render_report(fake_report()))
    assert standing_out(page) == 48
    options = texts(page, ".pick option")
    assert options[0] == "all 16" and "t-11030003_0 (3)" in options
    chosen = Select(page.driver.find_element("css selector", ".pick select"))
    chosen.select_by_visible_text("t-11030003_0 (3)")
    waits(page, lambda: standing_out(page) == 3)
    faded = ".map .mark-symbol.role-mark path:not([opacity='1'])"
    point = page.driver.find_element("css selector", faded)
    page.driver.execute_script(HOVER, point)
    waits(page, lambda: point.get_attribute("opacity") == "1" and standing_out(page) == 3)
    (tooltip,) = texts(page, "#vg-tooltip-element.visible")
    assert "clip" in tooltip and "recording" in tooltip
    page.driver.execute_script(LEAVE, point)
    waits(page, lambda: point.get_attribute("opacity") != "1" and standing_out(page) == 3)
    chosen.select_by_index(0)
    waits(page, lambda: standing_out(page) == 48)
    assert page.errors == []


def test_a_model_that_is_off_in_one_chart_of_a_species_is_off_in_its_others(open_page):
    bins = [("coyote", model, p, p) for model in ("birdnet", "svm") for p in (0.2, 0.8)]
    page = open_page(render_report(fake_report(calibration=calibration_frame(bins))))
    curves = 'section[aria-labelledby="species-coyote"] .chart'
    calibration = 'section[aria-labelledby="species-coyote"] .calibration'
    assert count(page, f"{calibration} .mark-line path") == 3
    boxes = page.driver.find_elements("css selector", ".switches input[value=birdnet]")
    others = count(page, ".chart .mark-line path") - count(page, f"{curves} .mark-line path")
    # Of the learning curves of bobwhite, bullfrog and coyote, then of coyote's calibration.
    boxes[-1].send_keys(" ")
    waits(page, lambda: count(page, f"{calibration} .mark-line path") == 2)
    waits(page, lambda: count(page, f"{curves} .mark-line path") == 2)
    assert [box.is_selected() for box in boxes] == [True, True, False, False]
    boxes[-2].send_keys(" ")
    waits(page, lambda: count(page, f"{calibration} .mark-line path") == 3)
    assert boxes[-1].is_selected()
    assert count(page, ".chart .mark-line path") == others + 3
    assert page.errors == []


def test_a_model_that_is_off_before_another_chart_is_drawn_is_off_in_that_one_too(open_page):
    bins = [("coyote", model, p, p) for model in ("birdnet", "svm") for p in (0.2, 0.8)]
    page = open_page(render_report(fake_report(calibration=calibration_frame(bins))))
    calibration = 'section[aria-labelledby="species-coyote"] .calibration'
    page.driver.find_elements("css selector", ".switches input[value=birdnet]")[-2].send_keys(" ")
    page.driver.execute_async_script(
        "draw(document.querySelector(arguments[0])).then(arguments[1])", calibration
    )
    boxes = page.driver.find_elements("css selector", ".switches input[value=birdnet]")
    assert [box.is_selected() for box in boxes] == [True, True, False, False, False]
    waits(page, lambda: count(page, f"{calibration} .mark-line path") == 2)
    assert page.errors == []


def test_what_a_screen_reader_announces_has_a_name(open_page):
    page = open_page(render_report(fake_report()))
    summaries, empty = page.driver.execute_script(UNNAMED)
    assert summaries == [] and empty == []


def test_the_reports_clips_can_be_seen_and_heard(open_page):
    page = open_page(render_report(fake_report()))
    shown, heard = page.driver.execute_async_script(CLIPS)
    assert len(shown) == 6 and min(shown) > 50
    assert heard == pytest.approx(2, abs=0.2)
    assert page.errors == [] and page.requests == []


def test_a_chart_of_nothing_opens_with_its_words(open_page):
    page = open_page(chart_html("engine"))
    assert page.errors == []
    assert any("no model could be evaluated" in text for text in texts(page, "svg text"))


def test_the_report_opens_from_disk_without_errors_or_requests(open_page):
    page = open_page(render_report(fake_report()))
    assert page.errors == []
    assert page.requests == []
    assert count(page, ".chart svg.marks") == 4


def test_the_report_shows_the_notice_before_anything_else(open_page):
    page = open_page(render_report(fake_report()))
    assert page.driver.find_element("css selector", "body").text.startswith(
        "This audio is synthetic"
    )


def test_a_clip_called_script_does_not_run(open_page):
    evil = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    page = open_page(
        render_report(
            fake_report(quarantine=fake_quarantine([evil]), notice=evil, models={"birdnet": evil})
        )
    )
    assert page.driver.execute_script("return window.hacked") is None
    assert page.errors == []
    assert page.requests == []
    assert evil in page.driver.find_element("css selector", ".notice").text


def test_the_policy_stops_a_script_that_slipped_in(open_page):
    """A second line behind escaping, shown to hold by breaking the first one on purpose."""
    html = render_report(fake_report()).replace(
        "<header>",
        "<script>window.hacked = 1</script><img src='https://example.org/x.png'><header>",
    )
    page = open_page(html)
    assert page.driver.execute_script("return window.hacked") is None
    assert any("Content Security Policy" in error for error in page.errors)


@pytest.mark.parametrize("width", [360, 768, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_never_scrolls_sideways_and_ink_contrasts(open_page, chromium, width, scheme):
    with shown_as(chromium, width, scheme):
        page = open_page(render_report(fake_report()))
        wide = page.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0
        ink, paper, label = page.driver.execute_script(
            "const body = getComputedStyle(document.body);"
            "const label = document.querySelector('svg .role-axis-label text');"
            "return [body.color, body.backgroundColor, getComputedStyle(label).fill]"
        )
        dark = scheme == "dark"
        assert (brightness(paper) < 60) is dark
        assert (brightness(ink) > 200) is dark
        assert label == ink


WIDTHS = """
return [...document.querySelectorAll("[data-specification]")].map((place) => {
  const { left, right } = place.querySelector("svg.marks").getBoundingClientRect();
  const sizes = [...place.querySelectorAll("svg.marks text")].map((text) => {
    const shown = text.getBoundingClientRect();
    return [shown.left, shown.right, text.textContent];
  });
  const scale = (right - left) / place.querySelector("svg.marks").viewBox.baseVal.width;
  return [left, right, scale, sizes.filter(([from, to]) => from < 0 || to > innerWidth)];
});
"""

# Only tables may reach beyond the screen: their boxes scroll, and their captions stay.
BEYOND = """
const beyond = (e) => e.getBoundingClientRect().right > innerWidth + 0.5;
return [...document.querySelectorAll("body *, caption")]
  .filter((e) => e.matches("caption") || !e.closest("table, svg"))
  .filter(beyond).map((e) => e.outerHTML.slice(0, 200));
"""


@pytest.mark.parametrize("width", [360, 390])
def test_on_a_phone_each_chart_is_whole_and_its_letters_keep_their_size(open_page, chromium, width):
    bins = [("coyote", model, p, p) for model in ("birdnet", "svm") for p in (0.2, 0.8)]
    with shown_as(chromium, width, "light"):
        page = open_page(render_report(fake_report(calibration=calibration_frame(bins))))
        charts = page.driver.execute_script(WIDTHS)
        labels = texts(page, "section[aria-labelledby=species-coyote] .chart svg text")
        page.driver.execute_script(
            "document.querySelectorAll('details').forEach(part => { part.open = true; })"
        )
        assert page.driver.execute_script(BEYOND) == []
    assert len(charts) == 6
    for left, right, scale, outside in charts:
        assert left >= 0 and right <= width and scale > 0.9 and outside == []
    # A key in place of the names at the line ends.
    assert "MFCC + SVM" in labels and "MFCC + SVM: 0.845" not in labels


def test_a_page_that_becomes_wide_draws_its_charts_in_their_wide_form(open_page, chromium):
    with shown_as(chromium, 390, "light"):
        page = open_page(render_report(fake_report()))
        boxes = count(page, ".switches input")
        assert "MFCC + SVM: 0.845" not in texts(page, ".chart svg text")
    waits(page, lambda: "MFCC + SVM: 0.845" in texts(page, ".chart svg text"))
    waits(page, lambda: count(page, ".switches input") == boxes)
    assert page.errors == []


def test_a_screen_reader_hears_the_clips_of_each_point(open_page):
    page = open_page(render_report(fake_report()))
    spoken = page.driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.ariaLabel)",
        "section[aria-labelledby=species-coyote] .chart .mark-symbol path[aria-label]",
    )
    assert len(spoken) == 19
    assert all("clips" in words and "ROC-AUC" in words for words in spoken)


def test_the_menu_saves_a_chart_under_the_name_of_its_species(open_page):
    page = open_page(render_report(fake_report()))
    names = page.driver.execute_script(
        "return [...document.querySelectorAll('.vega-actions a')].map(link => link.download)"
    )
    assert "coyote-roc_auc.svg" in names and "coyote-map.png" in names
    assert not any(name.startswith("visualization") for name in names)


def test_on_paper_all_is_unfolded_and_in_light_ink_without_what_paper_cannot_do(open_page):
    many = [f"coyote-pos-{number}" for number in range(30)]
    page = open_page(render_report(fake_report(quarantine=fake_quarantine(many))))
    page.driver.execute_script(
        "const open = () => document.querySelectorAll('main details[open]').length;"
        "addEventListener('beforeprint', () => { window.unfolded = open(); });"
    )
    folded = count(page, "main details:not([open])") - count(page, ".vega-embed details")
    assert folded > 0
    page.driver.execute_cdp_cmd("Page.printToPDF", {})
    unfolded = count(page, "main details") - count(page, ".vega-embed details")
    assert page.driver.execute_script("return window.unfolded") == unfolded
    assert count(page, "main details[open]") == unfolded - folded
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    on_paper = {"media": "print", "features": [dark]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", on_paper)
    try:
        ink, paper = page.driver.execute_script(
            "const { color, backgroundColor } = getComputedStyle(document.body);"
            "return [color, backgroundColor]"
        )
        assert brightness(ink) < 60 and brightness(paper) > 250
        controls = "nav a, summary, audio, select, input, button"
        assert page.driver.execute_script(SEEN, controls) == 0
        assert page.driver.execute_script(SEEN, "svg.marks, .clips img") == 11
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def brightness(color: str) -> float:
    numbers = color.removeprefix("rgb(").removesuffix(")").split(",")
    return sum(float(number) for number in numbers) / 3
