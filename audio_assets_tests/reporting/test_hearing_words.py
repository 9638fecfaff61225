"""Sound above what a model hears, as the report and the console tell it."""

import doctest

import pytest

from audio_assets.evaluation.doubts.hearing import STANDS_OUT, WHOLE
from audio_assets.reporting.page.page import render_report
from audio_assets.reporting.words import hearing_words
from audio_assets.reporting.words.finding_words import warnings_of
from audio_assets_tests.reporting.fake_results import (
    SEVEN,
    fake_report,
    finding_row,
    findings_frame,
)


def unheard(model: str = "birdnet", **changes):
    given = {"variant": "data", "value": 24_000.0, "share": 0.97, "subject": WHOLE, "count": 14}
    return finding_row("hearing", model=model, warning=True, **(given | changes))


def records(*rows):
    return findings_frame(rows).to_dict("records")


def test_the_examples_hold() -> None:
    assert doctest.testmod(hearing_words).failed == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "BirdNET 2.4 hears up to 24 kHz; 97 % of the energy of coyote's positives is above."),
        ({"share": 0.5}, "; half of the energy of coyote's positives is above."),
        ({"share": 0.9999}, "; nearly all of the energy of coyote's positives is above."),
        ({"value": 11_025.0}, " hears up to 11.025 kHz; "),
        (
            {"subject": STANDS_OUT},
            "is above (counting what stands out from the negatives, mean of 14 clips).",
        ),
        ({"subject": STANDS_OUT, "count": 1}, "is above (counting what stands out from the nega"),
    ],
)
def test_the_share_above_is_told_in_plain_words(changes, said):
    (sentence,) = hearing_words.hearing_sentences(records(unheard(**changes)), SEVEN.__getitem__)
    assert said in sentence


def test_models_that_hear_alike_share_a_sentence_and_all_share_one_warning():
    rows = records(unheard("vgg", value=11_025.0), unheard(), unheard("mobilenet", value=11_025.0))
    first, second = hearing_words.hearing_sentences(rows, SEVEN.__getitem__)
    assert first.startswith("BirdNET 2.4 hears up to 24 kHz")
    assert second.startswith("VGG16 and MobileNetV2 hear up to 11.025 kHz")
    (warning,) = warnings_of(rows, SEVEN.__getitem__)
    assert warning.startswith(f"{first} {second} Sound above that never reaches the model")


def test_a_small_share_is_a_note_and_what_is_not_known_is_said():
    rows = records(
        unheard(share=0.12) | {"warning": False},
        finding_row("hearing", model="svm", status="its weights are missing"),
    )
    assert warnings_of(rows, SEVEN.__getitem__) == []
    known, unknown = hearing_words.hearing_notes(rows, SEVEN.__getitem__)
    assert known.startswith("BirdNET 2.4 hears up to 24 kHz; 12 % of the energy")
    assert unknown == (
        "MFCC + SVM: how much sound lies above its range is not known: its weights are missing."
    )


def test_the_report_says_it_beside_the_models_numbers_and_among_the_checks():
    page = render_report(fake_report(findings=findings_frame([unheard()])))
    numbers = next(line for line in page.splitlines() if "2.4 reaches 0.95 with 64" in line)
    assert "(hears up to 24 kHz, 97 % of the positives&#39; energy is above)" in numbers
    assert page.count("BirdNET 2.4 hears up to 24 kHz; 97 % of the energy of coyote") == 2
    assert "Sound of the positives above the range of a model" in page
    assert "hears up to" not in render_report(fake_report())


def test_the_report_says_how_odd_files_were_read_beside_the_clips_that_were_not_used():
    rows = [
        finding_row(
            "reading",
            variant="data",
            subject="the header names … s, … s were there",
            count=7,
            detail="pos/a, pos/b, pos/c and 4 more",
        )
    ]
    page = render_report(fake_report(findings=findings_frame(rows)))
    section = page.split('<h2 id="quarantine">')[1].split("</section>")[0]
    assert "How files were read" in section
    assert "pos/a, pos/b, pos/c and 4 more" in section
    assert "How files were read" not in render_report(fake_report())


def test_a_species_section_begins_with_the_clips_that_were_lost():
    words = "12 of 60 clips were not used: 9 damaged or cut off, 3 too short"
    page = render_report(fake_report(losses={"coyote": words}))
    after = page.split('<h2 id="species-coyote">')[1]
    assert f'<p>{words} (<a href="#quarantine">which ones</a>).</p>' in after.split("<div")[0]
    assert page.count("were not used") == 1
