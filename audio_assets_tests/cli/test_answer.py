"""``audio-assets answer``."""

import json
from pathlib import Path

from upath import UPath

from audio_assets import answer
from audio_assets.evaluation.intervals.comparison import needed_rows
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.layout import ResultsLayout
from audio_assets.tables import ANSWER
from audio_assets_tests.cli.conftest import Call
from audio_assets_tests.reporting.fake_results import curve_frame, curve_row


def test_the_published_answer_is_printed_in_words_and_as_json(call: Call) -> None:
    curve = curve_frame([curve_row("owl", "placeholder", size) for size in (4, 8)])
    compared = needed_rows({"placeholder": curve}, species="owl", ci_level=0.95, target=0.95)
    results = ResultsLayout(UPath("results"))
    Path("results").mkdir()
    results.answers.write_bytes(to_csv_bytes(answer(curve, compared), ANSWER))
    done = call("answer")
    assert done.code == 0 and done.out.startswith("owl: Use Placeholder")
    assert "Next: Label more clips, about 16 per class" in done.out
    (row,) = json.loads(call("answer", "--json").out)
    assert row["model"] == "placeholder" and row["tied"] is None and row["at"] == 8


def test_without_results_the_answer_is_an_error_that_names_the_file_and_the_command(
    call: Call,
) -> None:
    done = call("answer")
    assert done.code == 1 and "answers.csv" in done.err and "audio-assets run" in done.err
