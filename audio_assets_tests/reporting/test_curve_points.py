import pytest

from audio_assets.reporting.words.curve_points import curve_points, reasons_without_points
from audio_assets_tests.reporting.fake_results import (
    NO_INTERVAL,
    curve_frame,
    curve_row,
    fake_curves,
)


def test_only_rows_of_the_species_and_metric_become_points():
    frame = curve_frame(
        [
            curve_row("coyote", "svm", 8),
            curve_row("coyote", "svm", 4),
            curve_row("coyote", "svm", 4, metric="brier"),
            curve_row("bullfrog", "svm", 16),
        ]
    )
    assert [point.size for point in curve_points(frame, "coyote", "roc_auc")] == [4, 8]


def test_a_row_without_a_mean_is_no_point_and_its_reason_is_kept():
    assert curve_points(fake_curves(), "engine", "roc_auc") == []
    assert reasons_without_points(fake_curves(), "engine", "roc_auc") == {
        "birdnet": "no negative clips",
        "random_forest": "no negative clips",
        "svm": "no negative clips",
    }


def test_a_model_with_any_point_needs_no_reason():
    assert reasons_without_points(fake_curves(), "bobwhite", "roc_auc") == {}


@pytest.mark.parametrize(
    ("status", "warning"),
    [
        ("ok", ""),
        ("ok: warning: fewer than 10 recordings", "fewer than 10 recordings"),
        ("ok: fewer than 10 recordings", "fewer than 10 recordings"),
        (NO_INTERVAL, ""),
    ],
)
def test_a_warning_is_told_from_a_missing_interval(status, warning):
    (point,) = curve_points(
        curve_frame([curve_row("coyote", "svm", 4, ci_status=status)]), "coyote", "roc_auc"
    )
    assert point.warning == warning


def test_two_rows_for_one_point_are_refused():
    twice = curve_frame([curve_row("coyote", "svm", 4), curve_row("coyote", "svm", 4, mean=0.7)])
    with pytest.raises(ValueError, match="two rows for svm at size 4"):
        curve_points(twice, "coyote", "roc_auc")


def test_an_interval_with_one_end_is_refused():
    half = curve_frame([curve_row("coyote", "svm", 4, ci_high=None)])
    with pytest.raises(ValueError, match="one end"):
        curve_points(half, "coyote", "roc_auc")
