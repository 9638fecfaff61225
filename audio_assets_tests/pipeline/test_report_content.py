"""What the report shows comes from the tables that are current."""

import json
from pathlib import Path

from upath import UPath

from audio_assets.pipeline.report_content import _chart, _shown_by_published
from audio_assets_tests.reporting.fake_results import curve_frame, model_curve

TITLES = {"birdnet": "BirdNET", "svm": "MFCC"}


def test_a_published_chart_is_taken_as_it_is_and_drawn_again_only_for_other_curves(
    tmp_path: Path,
) -> None:
    published = curve_frame([*model_curve("owl", "birdnet"), *model_curve("owl", "svm")])
    path = UPath(tmp_path / "owl.json")
    path.write_text("as published")
    # Rows that are picked from the curves of all species keep their index.
    shown = published.set_axis(range(7, 7 + len(published)))
    assert _shown_by_published(shown, {"owl": published}) == {"owl"}
    assert _chart("owl", shown, path, TITLES) == "as published"
    fewer = shown[shown["model"] == "svm"]
    assert _shown_by_published(fewer, {"owl": published}) == frozenset()
    drawn = _chart("owl", fewer, None, TITLES)
    assert "MFCC" in drawn and "BirdNET" not in json.dumps(json.loads(drawn)["datasets"])
