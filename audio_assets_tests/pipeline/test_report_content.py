"""What the report shows comes from the tables that are current."""

import json
from pathlib import Path

from upath import UPath

from audio_assets.pipeline.report_content import _chart
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
    assert _chart("owl", shown, published, path, TITLES) == "as published"
    fewer = shown[shown["model"] == "svm"]
    drawn = _chart("owl", fewer, published, path, TITLES)
    assert "MFCC" in drawn and "BirdNET" not in json.dumps(json.loads(drawn)["datasets"])
    assert _chart("owl", fewer, None, path, TITLES) == drawn
