import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.catalog.recordings import NO_LINE
from audio_assets.evaluation.doubts.confounds import SAME, UNDECIDED
from audio_assets.evaluation.doubts.leak_check import NOTHING_TELLS, ONE_CLIP_EACH
from audio_assets.reporting.page.page import render_report
from audio_assets.reporting.words.finding_words import (
    calibration_sentence,
    clips_csv_warning,
    confound_note,
    leak_sentence,
    same_recording_note,
    unknown_recordings_note,
    warnings_of,
)
from audio_assets_tests.reporting.fake_results import (
    calibration_frame,
    fake_report,
    finding_row,
    findings_frame,
)
from audio_assets_tests.reporting.test_page import Page


def records(*rows):
    return findings_frame(rows).to_dict("records")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": 0.042, "ci_low": 0.02, "ci_high": 0.06}, "would have overstated AUC by 0.042 ("),
        (
            {"value": -0.03, "ci_low": -0.05, "ci_high": -0.01},
            "would have understated AUC by 0.030 (",
        ),
        (
            {"value": 0.004, "ci_low": -0.002, "ci_high": 0.01},
            "would have shown about the same AUC (−0.002 to +0.010 over repeated draws of folds of "
            "these clips).",
        ),
        (
            {"value": 0.06, "ci_low": -0.449, "ci_high": 0.569},
            "would have overstated AUC by 0.060 (−0.449 to +0.569 over repeated "
            "draws of folds of these "
            "clips: this may be chance in the draw).",
        ),
        (
            {"value": -0.005, "ci_low": -0.02, "ci_high": 0.01},
            "would have understated AUC by 0.005 (−0.020 to +0.010 over",
        ),
        (
            {"value": 0.0, "ci_low": -0.02, "ci_high": 0.02},
            "would have shown the same AUC (−0.020 to +0.020 over repeated draws of folds of these "
            "clips: this may be chance in the draw).",
        ),
        (
            {"value": 0.2, "ci_low": 0.1, "ci_high": 0.3, "status": "ok: 1 of 5 folds have no AUC"},
            "over repeated draws of folds of these clips; 1 of 5 folds have no AUC).",
        ),
        ({"value": 0.0, "status": "every draw"}, "would have shown the same AUC (every draw)"),
        ({"value": 0.2, "status": "one repeat"}, "would have overstated AUC by 0.200 (one repeat)"),
        ({"status": ONE_CLIP_EACH}, "BirdNET: no recording has two clips: nothing to leak."),
        ({"status": "no evaluation: x"}, "BirdNET: no leak check: no evaluation: x."),
    ],
)
def test_a_leak_is_read_in_plain_words(changes, said):
    (row,) = records(finding_row("leak", model="birdnet", **changes))
    assert said in leak_sentence(row, "BirdNET")


@given(
    value=st.floats(0.0, 0.01, exclude_min=True),
    below=st.floats(0.0, 1.0, exclude_max=True),
    above=st.floats(0.01, 0.02, exclude_min=True),
)
def test_a_leak_is_never_said_to_be_larger_or_smaller_than_its_own_interval(value, below, above):
    low, high = value * below, value + above
    if low == 0.0:
        return
    (row,) = records(finding_row("leak", model="m", value=value, ci_low=low, ci_high=high))
    words = leak_sentence(row, "m")
    said, first, last = re.findall(r"\d\.\d{3}", words)
    assert float(first) <= float(said) <= float(last)
    assert ("under 0.001" in words) is (value < 0.001)


def test_a_calibration_error_too_small_to_print_is_not_rounded_up():
    bins = calibration_frame([("coyote", "birdnet", 0.2, 0.2002), ("coyote", "birdnet", 0.8, 0.8)])
    html = render_report(fake_report(calibration=bins))
    assert "its probabilities are off by under 0.001 on average" in html
    assert "BirdNET 2.4 is off by under 0.001 on average" in html


@pytest.mark.parametrize(("observed", "may_be_chance"), [(0.28, True), (0.32, False)])
def test_a_calibration_error_stands_beside_what_chance_makes_of_these_clips(
    observed, may_be_chance
):
    bins = calibration_frame([("coyote", "birdnet", 0.2, observed)])
    said = calibration_sentence(bins, "BirdNET")
    assert "by 0.060 on these clips by chance, and by up to 0.090 in 19 of 20 cases" in said
    assert ("this may be chance" in said) is may_be_chance
    html = render_report(fake_report(calibration=bins))
    assert html.count("by 0.060 on these clips by chance") == 2


def test_a_floor_that_is_not_known_is_not_passed_over():
    bins = calibration_frame([("coyote", "birdnet", 0.2, 0.3)]).assign(floor=None, floor_high=None)
    assert "the error expected by chance is not known" in calibration_sentence(bins, "BirdNET")


def confound(subject, value, **changes):
    given = {"variant": "data", "ci_low": 0.8, "ci_high": 1.0, "warning": value > 0.75}
    return finding_row("confound", subject=subject, value=value, **{**given, **changes})


def test_a_format_that_separates_the_labels_is_named_and_all_together_is_not():
    (said,) = warnings_of(records(confound("file_format", 1.0), confound("all", 1.0)))
    assert said.startswith(
        "The file format alone separates the labels: AUC 1.000 (0.800 to 1.000)."
    )


def test_all_together_is_named_where_no_property_alone_tells():
    (said,) = warnings_of(records(confound("channels", 0.6), confound("all", 0.8)))
    assert said.startswith("Format, rate, channels, duration and level tell the labels apart: AUC")


def test_what_only_two_properties_at_once_tell_is_said_once_and_called_so():
    rows = records(confound("channels", 0.5), confound("all", 0.8), confound("pairs", 0.98))
    (said,) = warnings_of(rows)
    assert said.startswith(
        "Format, rate, channels, duration and level tell the labels apart when two of them are "
        "combined: AUC 0.980 (0.800 to 1.000)."
    )


def test_a_level_that_tells_the_labels_apart_may_be_the_calls():
    (said,) = warnings_of(records(confound("rms_db", 0.9)))
    assert "Calls make clips louder" in said


def test_without_a_warning_the_highest_auc_is_told():
    rows = records(confound("rms_db", 0.6), confound("channels", 0.7))
    assert warnings_of(rows) == []
    assert "at most 0.700 (0.800 to 1.000), by the number of channels" in (
        confound_note(rows) or ""
    )
    assert "Effects that need three of them combined were not searched for." in (
        confound_note(rows) or ""
    )
    assert "below 0.5" not in (confound_note(rows) or "")
    even = records(confound("channels", 0.6), confound("rms_db", 0.2, ci_low=0.1, ci_high=0.3))
    assert "below 0.5" in (confound_note(even) or "")
    assert "alike" in (confound_note(records(finding_row("confound", status=SAME))) or "")
    assert confound_note(records(confound("rms_db", 0.9))) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"ci_low": None, "ci_high": None, "status": f"{UNDECIDED}: fewer than 5 recordings"},
            "AUC 0.990 (no interval: fewer than 5 recordings) by the file format.",
        ),
        (
            {"ci_low": 0.45, "ci_high": 1.0, "status": UNDECIDED},
            "AUC 0.990 (0.450 to 1.000) by the file format.",
        ),
    ],
)
def test_a_high_auc_of_few_recordings_is_not_called_harmless(changes, said):
    rows = records(confound("file_format", 0.99, warning=False, **changes), confound("all", 0.6))
    assert confound_note(rows) == (
        f"Too few recordings to tell whether the files give the labels away: {said}"
    )


def of_site(**changes):
    given = {"subject": "pos", "count": 1, "detail": "creek", "source": "the end of recording ids"}
    given |= {"clips": 20, "of_clips": 20, "warning": True}
    return finding_row("site", **{**given, **changes})


def test_sites_and_recordings_that_look_alike_are_named():
    rows = [of_site()]
    rows += [
        finding_row(
            "look_alike", subject=f"r{n}_a", count=2, detail=f"r{n}_a, r{n}_b", warning=True
        )
        for n in range(5)
    ]
    site, alike = warnings_of(records(*rows))
    assert site == (
        "All 20 positive clips come from one recording or site (creek; by the end of recording "
        "ids) without a single negative clip: a model may tell sites apart instead of the species."
    )
    assert "r0_a, r0_b; r1_a, r1_b; r2_a, r2_b and 2 more" in alike
    assert "RECORDING_PATTERNS" in alike


def test_stray_clips_of_a_site_are_counted():
    row = of_site(
        count=2,
        detail="creek, marsh",
        source="the column site of clips.csv",
        of_clips=21,
        status="ok: 1 negative clip there too",
    )
    (said,) = warnings_of(records(row))
    assert said.startswith(
        "20 of 21 positive clips come from 2 recordings or sites (creek, marsh; by the column site "
        "of clips.csv) with hardly any negative clips (1 negative clip there too): a model"
    )


def unknown(**changes):
    return finding_row("unknown_recordings", subject="30 of 30 clips", **changes)


def test_unknown_recordings_are_warned_of_first_with_the_pattern_that_would_join_them():
    setting = (
        """AUDIO_ASSETS_RECORDING_PATTERNS='["default", "^(?P<recording>rec[0-9]+)_[0-9]+$"]'"""
    )
    row = unknown(count=6, detail=setting, warning=True)
    first, *_ = warnings_of(records(of_site(), row))
    assert first.startswith("Nothing says which clips come from the same recording: 30 of 30 clips")
    assert f"set {setting}, which would assign them to 6 recordings." in first
    assert unknown_recordings_note(records(row)) is None
    page = Page(render_report(fake_report(findings=findings_frame([row]))))
    assert [text for tag, text in page.texts if tag == "p" and text == f"Warning: {first}"]


def test_recordings_that_are_unknown_without_a_hint_are_noted_and_not_warned_of():
    rows = records(unknown(status="no pattern of their names would join clips"))
    assert warnings_of(rows) == []
    said = unknown_recordings_note(rows) or ""
    assert said.startswith("Nothing says which clips come from the same recording: 30 of 30 clips")


def test_a_leak_check_of_unknown_recordings_does_not_say_that_nothing_leaks():
    status = f"{NOTHING_TELLS}: 24 of 24 count as a recording each, by their names"
    (row,) = records(finding_row("leak", model="svm", status=status))
    assert leak_sentence(row, "SVM") == f"SVM: {status}."


def test_what_clips_csv_and_the_clips_lack_of_one_another_is_named():
    assert clips_csv_warning(40, 0) is None
    said = clips_csv_warning(40, 3, ["a.wav", "b.wav", "c.wav", "d.wav"]) or ""
    assert said.startswith("3 of 40 clips have no line in clips.csv, which has lines")
    assert (
        "4 lines of clips.csv match no clip of this species: a.wav, b.wav, c.wav and 1 more" in said
    )


def test_the_report_warns_of_clips_that_clips_csv_does_not_name():
    rules = [("coyote", "clips.csv", 5), ("coyote", f"stem{NO_LINE}", 2), ("fox", "stem", 4)]
    table = pd.DataFrame(rules, columns=["species", "rule", "clips"])
    page = Page(render_report(fake_report(recording_rules=table)))
    answers = [text for tag, text in page.texts if tag == "p"]
    assert [text for text in answers if "clips.csv" in text] == [
        "Warning: " + (clips_csv_warning(7, 2) or "")
    ]


def of_one_recording(model, value, **changes):
    given = {"model": model, "auc": 0.758, "share": 0.43, "count": 107, "warning": True}
    return finding_row("same_recording", value=value, **{**given, **changes})


def test_pairs_of_one_recording_say_which_auc_to_read_and_what_to_do():
    rows = records(
        of_one_recording("birdnet", 0.728), of_one_recording("svm", 0.7, share=0.4, status="why")
    )
    (said,) = warnings_of(rows, {"birdnet": "BirdNET", "svm": "SVM"}.__getitem__)
    assert said.startswith("AUC may be too high across recordings") and "40 to 43 %" in said
    assert "0.728 instead of 0.758 (BirdNET), 0.700 instead of 0.758 (SVM; why)." in said
    assert "Go by the lower number" in said and "more recordings" in said
    assert same_recording_note(rows, str) is None


def test_without_a_pair_of_different_recordings_the_auc_says_nothing_of_new_ones():
    (said,) = warnings_of(records(of_one_recording("svm", None, share=1.0)))
    assert said.startswith(
        "AUC only compares clips within one recording, or one group of clips.csv"
    )


def test_pairs_of_one_recording_that_change_little_are_no_warning():
    rows = records(of_one_recording("svm", 0.757, share=0.004, warning=False))
    assert warnings_of(rows) == []
    said = same_recording_note(rows, str)
    assert said is not None and "under 1 % come from the same recording" in said
    assert "0.757 instead of 0.758 (svm)" in said


def test_the_report_warns_of_pairs_of_one_recording_and_shows_their_numbers():
    html = render_report(fake_report(findings=findings_frame([of_one_recording("birdnet", 0.728)])))
    page = Page(html)
    answers = [text for tag, text in page.texts if tag == "p"]
    assert any("0.728 instead of 0.758 (BirdNET 2.4)" in text for text in answers)
    assert "AUC without the pairs of clips from one recording" in html
    assert "43.0 %" in page.said()


def test_the_report_warns_among_the_answers_and_shows_the_checks():
    html = render_report(
        fake_report(
            findings=findings_frame(
                [
                    confound("file_format", 1.0),
                    finding_row("leak", model="birdnet", value=0.04, ci_low=0.02, ci_high=0.06),
                ]
            ),
            calibration=calibration_frame(
                [("coyote", "birdnet", 0.2, 0.1), ("coyote", "birdnet", 0.8, 0.9)]
            ),
        )
    )
    page = Page(html)
    assert page.wrong == [] and page.open == []
    answers = [text for tag, text in page.texts if tag == "p"]
    assert any(text.startswith("Warning: The file format alone separates") for text in answers)
    assert [text for tag, text in page.texts if tag == "h3"].count("Checks") == 1
    assert "BirdNET 2.4: ordinary folds over clips would have overstated AUC by 0.040 (" in html
    assert "its probabilities are off by 0.100 on average" in html
    chart = html.split('id="calibration-species-coyote">')[1].split("</script>")[0]
    assert "BirdNET 2.4 is off by 0.100 on average" in chart
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_names_in_findings_never_become_markup():
    evil = "<object data=x onerror=alert(1)>"
    site = of_site(detail=evil, source=f"the column {evil} of clips.csv")
    page = Page(render_report(fake_report(findings=findings_frame([site]))))
    assert page.attributes("object") == []
    assert f"({evil}; by the column {evil} of clips.csv)" in page.said()
