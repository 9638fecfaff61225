import dataclasses
from collections.abc import Sequence
from html.parser import HTMLParser

import pandas as pd
import pytest

from audio_assets.reporting.page.copies import Copies
from audio_assets.reporting.page.page import _without_result, render_report
from audio_assets.reporting.page.tables import comparisons
from audio_assets_tests.reporting.fake_results import (
    calibration_frame,
    comparison_row,
    curve_frame,
    fake_comparisons,
    fake_quarantine,
    fake_report,
    hard_clips_frame,
)

NO_OWL = [("owl", "svm", "failed or not run")]
EVIL = "<script>window.hacked = 1</script><img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """The page as a browser's parser sees it: tags, texts, and what breaks its rules."""

    VOID = {"meta", "link", "br", "img", "input", "hr"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if self.open and data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def said(self) -> str:
        """What a reader sees."""
        return " ".join(text for tag, text in self.texts if tag not in ("script", "style"))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(fake_report())


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_tags_close_in_order(page):
    assert page.wrong == []
    assert page.open == []


def test_the_notice_is_the_first_line_of_the_body(html):
    body = html.split("<body>")[1].lstrip()
    assert body.startswith('<p class="notice" role="note">This audio is synthetic')


def test_without_a_notice_the_page_starts_with_its_heading():
    body = render_report(fake_report(notice=None)).split("<body>")[1].lstrip()
    assert body.startswith("<header>")
    assert "notice" not in body.split("<main>")[0]


def test_equal_content_gives_an_equal_page(html):
    assert render_report(fake_report()) == html


def test_vega_is_inlined_once(html):
    assert len(fake_report().charts) == 4
    assert html.count("window.vegaEmbed=") == 1
    assert len(html) < 1_300_000


def test_a_report_without_charts_carries_no_vega():
    html = render_report(fake_report(charts={}))
    assert "window.vegaEmbed=" not in html
    assert "There is no chart for this species." in html
    assert "0.979" in html


def test_every_section_is_there_and_reached_from_the_navigation(page):
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    links = {attributes["href"] for attributes in page.attributes("a")}
    assert {f"#{name}" for name in ("answers", "quarantine", "methods", "about")} <= links
    assert {f"#species-{s}" for s in ("bobwhite", "coyote", "engine", "human_vocal")} <= links
    assert {link[1:] for link in links} <= ids


def test_no_id_is_used_twice(page):
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_headings_skip_no_level(page):
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:]))


def test_tables_have_captions_and_scoped_headers(page):
    tables = len(page.attributes("table"))
    assert tables >= 12
    assert len(page.attributes("caption")) == tables
    scopes = [attributes.get("scope") for attributes in page.attributes("th")]
    assert set(scopes) == {"col", "row"}
    assert page.attributes("html") == [{"lang": "en"}]


@pytest.mark.parametrize(
    "text",
    [
        "BirdNET 2.4 reaches 0.95 with 64 clips per class (AUC 0.975, 0.957 to 0.986)",
        "MFCC + SVM: not reached with n = 107",
        "MFCC + SVM: not evaluated: no negative clips",
        "MFCC + SVM: no result: failed or not run",
        "Left out: Perch 8.",
        "The weights of perch are missing.",
        "BirdNET 2.4 minus MFCC + random forest",
        "+0.140",
        "0.0012",
        "pos/coyote-pos-t-11031961_122_9sec_1_a",
        "44 bytes of header and 0 samples",
        "Canis latrans_Coyote",
        r"(?:pos|neg)-(?P<recording>.+?)_\d+sec",
        "214",
        "No unbiased estimator of the variance of K-fold cross-validation",
        "What this report cannot tell",
        "[0, 4, 8]",
        "ab" * 32,
    ],
)
def test_the_page_says(page, text):
    assert text in page.said()


def test_the_page_loads_nothing(page):
    for name, attributes in page.tags:
        if name == "a":
            # Followed by a reader, and only to the files of a chart.
            assert attributes["href"].startswith(("#", "../learning_curves/"))
            continue
        for attribute in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(attribute) or "#"
            inside = ("#", "data:,", "data:image/webp;base64,", "data:audio/mpeg;base64,")
            assert value.startswith(inside), (name, attribute, value[:80])


MADE = "Made on 2 May 2026 at 07:05 UTC with audio-assets 1.2 (abcdef0) and Python 3.12.3."
FILES = {form: f"../learning_curves/coyote.{form.lower()}" for form in ("CSV", "SVG", "PNG")}


def test_the_first_section_ends_with_date_and_versions():
    page = Page(render_report(fake_report(made=MADE)))
    heading = page.texts.index(("h2", "All species and models"))
    assert page.texts[heading - 1] == ("p", MADE)
    assert "Made on" not in Page(render_report(fake_report())).said()


def test_the_page_lists_the_encoder_and_classifier_behind_each_model(page):
    assert f"BirdNET 2.4 birdnet {'ab' * 32} logistic" in page.said()


def test_a_chart_links_to_its_published_files_and_one_without_files_to_none():
    page = Page(render_report(fake_report(chart_files={"coyote": FILES})))
    links = [a["href"] for a in page.attributes("a") if not a["href"].startswith("#")]
    assert links == list(FILES.values())


def test_each_kind_of_chart_explains_how_to_read_it():
    bins = [("coyote", "svm", p, p) for p in (0.2, 0.8)]
    page = Page(render_report(fake_report(calibration=calibration_frame(bins))))
    summaries = [text for tag, text in page.texts if tag == "summary"]
    # Three learning curves with points, one without, a map and a calibration.
    assert summaries.count("How to read this chart") == 6
    assert "0.5 is guessing, 1 is never wrong" in page.said()
    assert "On the dashed line the probabilities come true." in page.said()


def test_names_from_a_bucket_never_become_markup():
    """Species, clips, models, reasons, rules, labels and settings come from outside."""
    content = fake_report()
    evil_curves = content.curves.replace({"species": {"coyote": EVIL}, "model": {"svm": EVIL}})
    html = render_report(
        fake_report(
            curves=evil_curves.assign(ci_status=f"ok: warning: {EVIL}"),
            comparisons=fake_comparisons().replace(
                {"species": {"coyote": EVIL}, "model_a": {"svm": EVIL}, "model_b": {"svm": EVIL}}
            ),
            quarantine=fake_quarantine([EVIL]).assign(detail=EVIL, species=EVIL),
            charts={EVIL: content.charts["coyote"].replace("Coyote", "</script>" + "<b>")},
            notice=EVIL,
            recording_rules=pd.DataFrame([(EVIL, EVIL, 3)], columns=["species", "rule", "clips"]),
            class_labels={EVIL: {EVIL: [EVIL]}},
            left_out={EVIL: EVIL},
            missing=[(EVIL, EVIL, EVIL)],
            settings={EVIL: [EVIL]},
            provenance={EVIL: EVIL},
            models={"birdnet": EVIL},
        )
    )
    page = Page(html)
    assert page.wrong == []
    assert page.attributes("img") == []
    assert [a.get("type") for a in page.attributes("script")] == ["application/json", None, None]
    assert page.said().count("window.hacked = 1") >= 12
    assert not any("onerror" in attributes for _, attributes in page.tags)


def test_only_comparisons_at_the_largest_size_are_shown_unfolded(page):
    folded = [text for tag, text in page.texts if tag == "summary"]
    assert "Models compared at every size (6)" in folded


def of_pairs(*pairs):
    """Comparisons of coyote: model_a, model_b, size and, if there is none, the difference."""
    rows = [
        comparison_row("coyote", "difference", a, model_b=b, training_size=size)
        | {"difference": 0.0125 if not rest else rest[0], "p_value": 0.5, "p_holm": 1.0}
        | {"status": "no interval: all folds differ by the same amount"}
        for a, b, size, *rest in pairs
    ]
    return fake_report(comparisons=pd.DataFrame(rows, columns=fake_comparisons().columns))


ALL_AT_64 = [("birdnet", "perch", 64), ("birdnet", "svm", 64), ("perch", "svm", 64)]


def test_models_are_compared_at_the_largest_size_that_all_of_them_have():
    report = of_pairs(("birdnet", "svm", 107), *ALL_AT_64, ("birdnet", "svm", 4))
    shown, every = comparisons(report, "coyote")
    assert shown.caption == (
        "Models compared at 64 clips per class, the largest size that all of them have"
    )
    assert [row[0] for row in shown.rows] == [
        "BirdNET 2.4 minus Perch 8",
        "BirdNET 2.4 minus MFCC + SVM",
        "Perch 8 minus MFCC + SVM",
    ]
    # Holm's adjustment is over the pairs at a size: all p values shown are of one.
    assert {row[1] for row in shown.rows} == {"64"}
    assert len(every.rows) == 5


def test_where_no_size_has_all_models_that_with_the_most_is_shown_and_says_which_it_lacks():
    pairs = [("birdnet", "svm", 107), ("birdnet", "vgg", 107), ("svm", "vgg", 107)]
    report = of_pairs(*pairs, ("birdnet", "perch", 64), ("birdnet", "svm", 128))
    shown, _ = comparisons(report, "coyote")
    assert shown.caption.startswith("Models compared at 107 clips per class, the largest size that")
    assert shown.caption.endswith("most of them have (without Perch 8)")
    assert len(shown.rows) == 3


def test_a_size_without_a_value_is_none_that_a_model_has():
    nothing = [(a, b, 107, None) for a, b, _ in ALL_AT_64]
    shown, _ = comparisons(of_pairs(*ALL_AT_64, *nothing), "coyote")
    assert {row[1] for row in shown.rows} == {"64"}
    shown, _ = comparisons(of_pairs(*nothing), "coyote")
    assert {row[1] for row in shown.rows} == {"107"}


def test_comparisons_at_one_size_alone_are_not_shown_twice():
    said = Page(render_report(of_pairs(*ALL_AT_64))).said()
    assert "Models compared at every size" not in said
    assert "BirdNET 2.4 minus Perch 8 64 +0.012 – 0.5 1 no interval: all folds differ" in said


def test_a_long_quarantine_starts_folded_and_a_short_one_open():
    clips = [f"coyote-pos-t-{i}_122_9sec_1_a" for i in range(21)]
    for names, is_open in ((clips, False), (clips[:20], True)):
        page = Page(render_report(fake_report(quarantine=fake_quarantine(names))))
        opened = ["open" in a for a in page.attributes("details") if not a.get("class")]
        assert opened == [False, is_open]


def test_a_report_of_nothing_says_so():
    page = Page(
        render_report(
            fake_report(
                curves=curve_frame([]),
                comparisons=fake_comparisons().iloc[:0],
                quarantine=fake_quarantine([]),
                charts={},
                recording_rules=pd.DataFrame(columns=["species", "rule", "clips"]),
                left_out={},
                missing=[],
            )
        )
    )
    assert page.said().count("No species was found.") == 2
    assert "No clip was checked." in page.said()


def test_nothing_is_said_of_clips_that_were_not_looked_at():
    copies = Copies("birdnet", 0.97, not_looked_at=("human_vocal",))
    said = Page(
        render_report(fake_report(quarantine=fake_quarantine([]), missing=NO_OWL, copies=copies))
    ).said()
    assert "Every clip that a model read could be used." in said
    assert "Not checked yet, because no model has a result: owl." in said
    assert "Not yet searched for clips that sound the same: human_vocal." in said
    assert "No copies were found in what was searched." in said

    nothing = fake_report(
        curves=curve_frame([]),
        comparisons=fake_comparisons().iloc[:0],
        quarantine=fake_quarantine([]),
        recording_rules=pd.DataFrame(columns=["species", "rule", "clips"]),
        charts={},
        missing=NO_OWL,
    )
    said = Page(render_report(nothing)).said()
    assert "Every clip" not in said
    assert "Not checked yet, because no model has a result: owl." in said


def test_clips_in_quarantine_were_looked_at_whatever_failed_after_it():
    quarantine = fake_quarantine().assign(species="owl")
    said = Page(render_report(fake_report(quarantine=quarantine, missing=NO_OWL))).said()
    assert "no model has a result" not in said


def test_a_look_that_failed_is_said_and_is_no_clean_bill():
    said = Page(
        render_report(fake_report(quarantine=fake_quarantine([]), missing=[], unchecked=["coyote"]))
    ).said()
    assert "Every clip that a model read could be used in the other species." in said
    assert "The last check of the clips of coyote failed" in said
    every = fake_report(quarantine=fake_quarantine([]), missing=[])
    every = dataclasses.replace(every, unchecked=every.species())
    said = Page(render_report(every)).said()
    assert "Every clip" not in said and "No clip was checked" not in said


def test_where_all_was_looked_at_the_page_says_so():
    said = Page(render_report(fake_report(quarantine=fake_quarantine([]), missing=[]))).said()
    assert "Every clip that a model read could be used." in said
    assert "No copies were found." in said and "ot checked yet" not in said


def test_a_model_that_was_not_evaluated_has_no_result():
    content = fake_report(left_out={}, missing=[])
    said = Page(render_report(content)).said()
    assert "Every model has a result for every species." not in said
    (table,) = _without_result(content)
    assert [(row[0], row[2]) for row in table.rows] == [("engine", "no negative clips")] * 3
    curves = content.curves[content.curves["species"] != "engine"]
    charts = {name: chart for name, chart in content.charts.items() if name != "engine"}
    said = Page(
        render_report(fake_report(left_out={}, missing=[], curves=curves, charts=charts))
    ).said()
    assert "Every model has a result for every species." in said


def test_methods_describe_the_protocol_that_was_used():
    content = fake_report()
    held_out = content.curves.assign(protocol="holdout")
    said = Page(render_report(dataclasses.replace(content, curves=held_out))).said()
    assert "are set aside as one test set" in said
    assert "all points of a chart share its luck" in said
    assert "Each fold in turn" not in said


@pytest.mark.parametrize(
    ("copies", "told"),
    [
        (Copies("birdnet", 0.97), "equal bytes, or clips that sound the same, count as one."),
        (Copies(), "equal bytes count as one."),
        (
            Copies("birdnet", 0.97, not_looked_at=("owl",)),
            "or clips that sound the same (not searched for yet: owl), count as one.",
        ),
    ],
)
def test_methods_claim_no_search_for_copies_that_nobody_made(copies, told):
    content = fake_report(charts={}, hard_clips=hard_clips_frame([]), copies=copies)
    said = Page(render_report(content)).said()
    assert told in said[said.index("Recordings, not clips") :]


def methods_said(ci_methods: Sequence[str]) -> str:
    """The methods of a page whose curves have intervals of these methods in turn."""
    curves = fake_report().curves
    methods = [ci_methods[at % len(ci_methods)] for at in range(len(curves))]
    said = Page(render_report(fake_report(curves=curves.assign(ci_method=methods)))).said()
    return said[said.index("Recordings, not clips") : said.index("What this report cannot tell")]


def test_methods_describe_the_intervals_that_there_are():
    the_t = "use a variance with three parts"
    drawn = "recordings drawn with replacement"
    said = methods_said(["recording_t"])
    assert f"The intervals {the_t}" in said and "with an error made in the same way" in said
    assert drawn not in said and "bootstrap" not in said
    said = methods_said(["bootstrap", "recording_bound"])
    assert "The intervals of the learning curves were made by repeating everything" in said
    assert "of the comparisons and of the check for confounds, are not bootstrap intervals" in said
    assert f"They {the_t}" in said and f"The intervals {the_t}" not in said
    assert "made in the same way" not in said and "The other intervals" not in said
    said = methods_said(["bootstrap", "recording_t"])
    assert "whose point in the chart says bootstrap" in said
    assert "The other intervals of the learning curves" in said


def test_the_answers_in_markdown_hold_no_markup_from_names():
    content = fake_report(models={"birdnet": "<b>[x](y)*"})
    text = content.answers_markdown()
    assert r"\<b\>\[x\](y)\*" in text
    assert text.count("\n") == 3
