import json

import pytest

from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.charts.plan import HEIGHT
from audio_assets.reporting.charts.styles import KNOWN_MODELS
from audio_assets_tests.reporting.fake_results import (
    NO_INTERVAL,
    SEVEN,
    THREE,
    curve_frame,
    curve_row,
    fake_curves,
    model_curve,
)

CURVES = fake_curves()


def drawn(frame=CURVES, species="coyote", models=THREE, metric="roc_auc") -> dict:
    chart = learning_curve_chart(frame, species=species, models=models, metric=metric)
    return json.loads(chart.to_json())


def layers(spec: dict, mark: str) -> list[dict]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == mark]


def rows(spec: dict, layer: dict) -> list[dict]:
    data = layer.get("data") or spec["data"]
    return data["values"] if "values" in data else spec["datasets"][data["name"]]


def subtitle(spec: dict) -> str:
    return " ".join(spec["title"]["subtitle"])


def points(spec: dict, *, hollow: bool) -> list[dict]:
    return [
        row
        for layer in layers(spec, "point")
        if layer["encoding"].get("tooltip") and layer["mark"]["filled"] is not hollow
        for row in rows(spec, layer)
    ]


def label_rows(spec: dict) -> list[dict]:
    return [r for layer in layers(spec, "text") for r in rows(spec, layer) if "label" in r]


def y_domain(spec: dict) -> list[float]:
    return layers(spec, "line")[0]["encoding"]["y"]["scale"]["domain"]


def test_every_mean_is_drawn_at_its_value():
    expected = CURVES[CURVES["species"] == "coyote"]
    found = points(drawn(), hollow=False)
    assert sorted(row["y"] for row in found) == sorted(expected["mean"])
    assert sorted(row["low"] for row in found) == sorted(expected["ci_low"])
    assert sorted(row["high"] for row in found) == sorted(expected["ci_high"])


def test_a_row_of_another_species_or_metric_changes_nothing():
    own = CURVES[CURVES["species"] == "coyote"]
    assert drawn(own) == drawn(CURVES)


def test_the_untrained_point_is_named_and_on_no_line():
    spec = drawn()
    line = rows(spec, layers(spec, "line")[0])
    untrained = [row for row in points(spec, hollow=False) if "0 (untrained)" in row.values()]
    assert len(untrained) == 1
    assert untrained[0]["x"] < min(row["x"] for row in line)
    assert "0 (untrained)" in layers(spec, "line")[0]["encoding"]["x"]["axis"]["labelExpr"]


def test_no_place_for_untrained_points_where_there_are_none():
    without = CURVES[CURVES["model"] != "birdnet"]
    assert "untrained" not in json.dumps(drawn(without))


def test_error_bars_of_one_size_stand_side_by_side():
    found = points(drawn(), hollow=False)
    assert len({row["x"] for row in found}) == len(found)


def test_low_curves_show_chance():
    spec = drawn()
    assert y_domain(spec)[0] < 0.5
    assert "axis starts" not in subtitle(spec)
    texts = [
        row["text"] for layer in layers(spec, "text") for row in rows(spec, layer) if "text" in row
    ]
    assert texts == ["chance (0.5)"]


def test_an_axis_without_chance_says_where_it_starts():
    spec = drawn(species="bullfrog")
    assert y_domain(spec)[0] > 0.5
    assert f"The axis starts at {y_domain(spec)[0]:g}, not at chance (0.5)." in subtitle(spec)
    assert "chance (0.5)" not in json.dumps(spec["layer"])


def test_points_without_an_interval_are_hollow_and_the_subtitle_says_why():
    spec = drawn(species="bobwhite")
    assert points(spec, hollow=False) == []
    assert len(points(spec, hollow=True)) == 10
    assert f"Hollow points have no interval: {NO_INTERVAL}." in subtitle(spec)
    assert "error bars" not in subtitle(spec)


def test_where_only_some_points_have_no_interval_their_models_are_named():
    mixed = curve_frame(
        [*model_curve("coyote", "birdnet"), *model_curve("coyote", "svm", bounded=False)]
    )
    spec = drawn(mixed)
    assert f"Hollow points (MFCC + SVM) have no interval: {NO_INTERVAL}." in subtitle(spec)
    assert {row["key"] for row in points(spec, hollow=True)} == {"svm"}
    assert {row["key"] for row in points(spec, hollow=False)} == {"birdnet"}


def test_a_warning_that_comes_with_an_interval_is_shown():
    status = "ok: warning: fewer than 10 recordings of a class, 7 positive"
    warned = curve_frame([curve_row("coyote", "svm", 4, ci_status=status)])
    assert "Warning for MFCC + SVM: fewer than 10 recordings of a class, 7 positive." in subtitle(
        drawn(warned)
    )


def test_the_subtitle_tells_protocol_folds_repeats_and_level():
    expected = "5-fold cross-validation over recordings, 5 repeats; error bars are 95 % intervals"
    assert subtitle(drawn()) == expected


def test_folds_that_repeat_themselves_are_counted_once_in_the_subtitle():
    assert "(3 distinct sets of positive or negative test clips)" in subtitle(
        drawn(species="bobwhite")
    )


def test_a_fixed_test_set_is_not_called_cross_validation():
    held_out = curve_frame(
        [curve_row("coyote", "svm", 4, protocol="holdout", folds=None, distinct_folds=None)]
    )
    assert subtitle(drawn(held_out)).startswith(
        "One fixed test set of whole recordings, 5 training draws"
    )


def methods_told(frame) -> list[str]:
    """What the tooltips say of how the intervals of a chart were made."""
    spec = drawn(frame)
    told = []
    for layer in layers(spec, "point"):
        for tip in layer["encoding"].get("tooltip", []):
            if tip["title"] == "interval method":
                told += [row[tip["field"]] for row in rows(spec, layer)]
    return told


def test_tooltips_tell_intervals_of_the_bootstrap_from_others():
    own = CURVES[CURVES["species"] == "coyote"]
    assert methods_told(own) == []
    methods = ["bootstrap"] * (len(own) - 2) + ["recording_bound", "recording_t"]
    told = methods_told(own.assign(ci_method=methods))
    assert len(told) == len(own)
    assert told.count("bootstrap over recordings") == len(own) - 2
    assert told.count("bound from the number of recordings") == 1
    assert told.count("t, from folds and recordings") == 1


def test_a_tooltip_tells_what_the_point_rests_on():
    spec = drawn()
    layer = next(la for la in layers(spec, "point") if la["encoding"].get("tooltip"))
    names = {tip["title"]: tip["field"] for tip in layer["encoding"]["tooltip"]}
    row = next(r for r in rows(spec, layer) if r["key"] == "birdnet" and "107" in r.values())
    assert {name: row[field] for name, field in names.items()} == {
        "model": "BirdNET 2.4",
        "training clips per class": "107",
        "ROC-AUC": "0.979",
        "interval": "0.963 to 0.988 (95 %)",
        "interval status": "ok",
        "training recordings": "34 positive, 51 negative",
        "test folds": "5 × 5 repeats, 25 distinct sets of positive or negative test clips",
    }


def test_labels_stand_in_order_of_the_final_value_and_do_not_overlap():
    frame = curve_frame([row for model in SEVEN for row in model_curve("coyote", model)])
    spec = drawn(frame, models=SEVEN)
    labels = label_rows(spec)
    assert len(labels) == 7
    assert [row["y"] for row in labels] == sorted((row["y"] for row in labels), reverse=True)
    low, high = y_domain(spec)
    pixels = [(high - row["label_y"]) / (high - low) * HEIGHT for row in labels]
    assert all(b - a > 16 for a, b in zip(pixels, pixels[1:]))


def test_a_label_of_a_curve_that_ends_early_says_where():
    frame = curve_frame([*model_curve("coyote", "svm"), *model_curve("coyote", "perch", (4, 8))])
    by_model = {row["key"]: row["label"] for row in label_rows(drawn(frame, models=SEVEN))}
    assert by_model["perch"].endswith("(at 8)")
    assert "at" not in by_model["svm"]


def test_a_model_has_the_same_colour_in_every_chart():
    models = {**THREE, "mine": "My model"}
    scales = []
    for species in ("coyote", "bullfrog"):
        frame = curve_frame(
            [*model_curve(species, "mine"), *model_curve(species, "svm")]
            + (model_curve(species, "birdnet") if species == "coyote" else [])
        )
        scale = layers(drawn(frame, species, models), "line")[0]["encoding"]["color"]["scale"]
        scales.append(dict(zip(scale["domain"], scale["range"])))
    assert scales[0]["mine"] == scales[1]["mine"]
    assert scales[0]["svm"] == scales[1]["svm"] == KNOWN_MODELS["svm"].color


def test_a_model_without_a_title_is_called_by_its_key():
    spec = drawn(models={})
    assert any(row["label"].startswith("random_forest: ") for row in label_rows(spec))


def test_a_species_that_cannot_be_evaluated_says_why_instead_of_drawing_a_box():
    spec = drawn(species="engine")
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["text"]
    text = rows(spec, spec["layer"][0])[0]["text"]
    assert text[0] == "No ROC-AUC: no model could be evaluated."
    assert "MFCC + SVM: no negative clips" in text


def test_a_species_without_rows_says_so():
    spec = drawn(species="human_vocal")
    assert rows(spec, spec["layer"][0])[0]["text"] == ["No ROC-AUC: no model has a result."]
    assert spec["title"]["text"] == "Human vocal"


def test_rows_without_a_mean_are_not_drawn_beside_others():
    frame = curve_frame(
        [
            *model_curve("coyote", "svm"),
            curve_row("coyote", "birdnet", None, mean=None, ci_low=None, ci_high=None),
        ]
    )
    spec = drawn(frame)
    assert {row["key"] for row in points(spec, hollow=False)} == {"svm"}


def test_the_description_tells_the_final_values_in_words():
    assert "BirdNET 2.4 0.979 (0.963 to 0.988) at 107 clips per class" in drawn()["description"]


def test_a_screen_reader_hears_the_clips_of_a_point_and_not_its_position():
    spec = drawn()
    spoken = [layer for layer in layers(spec, "point") if layer["mark"].get("aria") is not False]
    (layer,) = spoken
    assert layer["encoding"]["description"]["field"] == "words"
    words = [row["words"] for row in rows(spec, layer)]
    assert "BirdNET 2.4, 16 clips per class: ROC-AUC 0.955, 95 % interval 0.925 to 0.974" in words
    assert any(text.startswith("BirdNET 2.4, 0 clips, untrained: ") for text in words)
    axis = layer["encoding"]["x"]["axis"]["description"]
    assert axis.endswith("clips per class: 0 (untrained), 4, 8, 16, 32, 64, 107")
    silent = layers(spec, "line") + layers(spec, "rule") + layers(spec, "tick")
    assert silent and all(layer["mark"]["aria"] is False for layer in silent)


def test_a_chart_is_saved_under_the_name_of_its_species():
    assert drawn()["usermeta"]["embedOptions"]["downloadFileName"] == "coyote-roc_auc"


def test_the_narrow_form_has_short_lines_and_a_key_with_the_titles():
    narrow = drawn()["usermeta"]["narrow"]
    assert narrow["patch"]["title"]["text"] == ["Coyote: ROC-AUC by number of", "training clips"]
    assert max(map(len, narrow["patch"]["title"]["subtitle"])) <= 54
    assert '"random_forest": "MFCC + random forest"' in narrow["legend"]["labelExpr"]


def test_average_precision_is_drawn_beside_its_chance_level():
    frame = curve_frame(
        [curve_row("coyote", "svm", size, metric="average_precision") for size in (4, 8)]
    )
    assert "not at chance (0.5)" in json.dumps(drawn(frame, metric="average_precision"))


@pytest.mark.parametrize("metric", ["recall_at_precision_90", "brier"])
def test_another_metric_is_named_and_has_no_false_chance_line(metric):
    frame = curve_frame([curve_row("coyote", "svm", size, metric=metric) for size in (4, 8)])
    spec = drawn(frame, metric=metric)
    assert "ROC-AUC" not in json.dumps(spec)
    assert "chance" not in json.dumps(spec)
    fields = [
        tip["field"]
        for layer in layers(spec, "point")
        for tip in layer["encoding"].get("tooltip", [])
    ]
    assert fields
    assert not any("." in field for field in fields)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="unknown metric 'auc'"):
        learning_curve_chart(CURVES, species="coyote", metric="auc", models=THREE)
