import pandas as pd
import pytest

from audio_assets.reporting.words.sentences import (
    CLIPS_NEEDED_COLUMNS,
    answers,
    clips_needed_table,
    sentences,
)
from audio_assets.tables import MODEL_COMPARISON
from audio_assets_tests.reporting.fake_results import (
    NO_INTERVAL,
    THREE,
    curve_frame,
    curve_row,
    fake_comparisons,
    fake_curves,
    needed_row,
    whole_numbers,
)


def compared(*rows: dict) -> pd.DataFrame:
    return whole_numbers(pd.DataFrame(list(rows), columns=list(MODEL_COMPARISON.column_names)))


def said(curves, comparisons, species="coyote", models=THREE) -> str:
    return sentences(answers(curves, comparisons, models))[species]


CURVE = curve_frame(
    [
        curve_row("coyote", "birdnet", 4, mean=0.9, ci_low=0.85, ci_high=0.94),
        curve_row("coyote", "birdnet", 8, mean=0.94, ci_low=0.9, ci_high=0.97),
        curve_row("coyote", "birdnet", 32, mean=0.97, ci_low=0.9503, ci_high=0.984),
        curve_row("coyote", "birdnet", 120, mean=0.98, ci_low=0.96, ci_high=0.99),
        curve_row("coyote", "random_forest", 120, mean=0.87, ci_low=0.812, ci_high=0.919),
    ]
)
NEEDED = compared(
    needed_row("coyote", "birdnet", 32, 120, low=8),
    needed_row("coyote", "random_forest", None, 120),
)


def test_the_answer_reads_like_this():
    assert said(CURVE, NEEDED, models={"birdnet": "BirdNET"}) == (
        "coyote: BirdNET reaches 0.95 with 32 clips per class (AUC 0.970, 0.950 to 0.984), needed: "
        "8 to 32; random_forest: not reached with n = 120 (AUC 0.870, 0.812 to 0.919), needed: "
        "more than 120"
    )


@pytest.mark.parametrize(
    ("at_largest", "words"),
    [
        (
            {"mean": 0.96, "ci_low": 0.93, "ci_high": 0.98},
            "but not with 120 (AUC 0.960, 0.930 to 0.980)",
        ),
        # The upper end excludes what the lower end once reached.
        (
            {"mean": 0.92, "ci_low": 0.9, "ci_high": 0.94},
            "but not with 120 (AUC 0.920, 0.900 to 0.940)",
        ),
        ({"mean": 0.96, "ci_low": None, "ci_high": None}, "no interval with 120 (AUC 0.960)"),
    ],
)
def test_a_target_that_the_largest_size_does_not_hold_is_first_reached(at_largest, words):
    curve = curve_frame(
        [
            curve_row("coyote", "birdnet", 8, mean=0.94, ci_low=0.9, ci_high=0.97),
            curve_row("coyote", "birdnet", 32, mean=0.97, ci_low=0.9503, ci_high=0.984),
            curve_row("coyote", "birdnet", 120, **at_largest),
        ]
    )
    row = needed_row("coyote", "birdnet", 32, 120, low=8) | {"needed_high": None}
    assert said(curve, compared(row), models={"birdnet": "BirdNET"}) == (
        "coyote: BirdNET first reaches 0.95 with 32 clips per class (AUC 0.970, 0.950 to 0.984), "
        f"{words}, needed: up to more than 120"
    )


@pytest.mark.parametrize(
    ("size", "reaches", "high", "between"),
    [(120, "first reaches", None, "8 to more than 120"), (16, "reaches", 32, "8 to 32")],
)
def test_a_size_without_an_auc_is_said_and_stops_no_report(size, reaches, high, between):
    gone = {"mean": None, "ci_low": None, "ci_high": None, "ci_status": "undefined in 25 folds"}
    good = {"mean": 0.97, "ci_low": 0.9503, "ci_high": 0.984}
    curve = curve_frame(
        [
            curve_row("coyote", "svm", 4, mean=0.8, ci_low=0.7, ci_high=0.9),
            curve_row("coyote", "svm", 8, mean=0.94, ci_low=0.9, ci_high=0.97),
            *(
                curve_row("coyote", "svm", at, **(gone if at == size else good))
                for at in (16, 32, 120)
            ),
        ]
    )
    needed = 32 if size == 16 else 16
    row = needed_row("coyote", "svm", needed, 120, low=8) | {"needed_high": high}
    assert said(curve, compared(row), models={"svm": "SVM"}) == (
        f"coyote: SVM {reaches} 0.95 with {needed} clips per class (AUC 0.970, 0.950 to 0.984), "
        f"needed: {between} (no AUC with {size} clips per class: undefined in 25 folds)"
    )
    (cells,) = clips_needed_table(curve, compared(row)).to_dict("records")
    assert cells["status"] == f"ok; no AUC with {size} clips per class: undefined in 25 folds"


def test_a_range_may_begin_at_a_size_without_an_auc():
    gone = {"mean": None, "ci_low": None, "ci_high": None, "ci_status": "undefined in 25 folds"}
    curve = curve_frame(
        [
            curve_row("coyote", "svm", 4, mean=0.8, ci_low=0.7, ci_high=0.9),
            curve_row("coyote", "svm", 8, **gone),
            curve_row("coyote", "svm", 16, mean=0.9, ci_low=0.8, ci_high=0.94),
        ]
    )
    row = needed_row("coyote", "svm", None, 16, low=8)
    assert "needed: 8 to more than 16 (no AUC with 8 clips" in said(curve, compared(row))


def test_a_number_reads_the_same_in_a_sentence_and_in_a_table():
    curve = curve_frame([curve_row("coyote", "svm", 64, mean=0.99996, ci_low=0.9711, ci_high=1.0)])
    cells = clips_needed_table(curve, compared(), THREE).iloc[0]
    assert cells["AUC at largest size"] == "0.999"
    assert f"AUC {cells['AUC at largest size']} " in said(curve, compared())
    assert f", {cells['interval']})" in said(curve, compared())


def test_a_target_just_missed_is_not_printed_as_reached():
    curve = curve_frame([curve_row("coyote", "svm", 64, mean=0.97, ci_low=0.9499, ci_high=0.98)])
    row = needed_row("coyote", "svm", None, 64, low=64)
    assert "0.949 to 0.980" in said(curve, compared(row))


def test_without_an_interval_nothing_is_estimated_and_the_reason_is_given():
    text = said(fake_curves(), fake_comparisons(), "bobwhite")
    assert "reaches" not in text
    assert (
        f"BirdNET 2.4: not estimated: {NO_INTERVAL} "
        "(AUC 0.950 with 13 clips per class, no interval)"
    ) in text


def test_a_species_that_was_not_evaluated_says_why():
    text = said(fake_curves(), fake_comparisons(), "engine")
    assert "MFCC + SVM: not evaluated: no negative clips" in text
    assert "AUC" not in text


def test_a_warning_is_passed_on():
    curve = CURVE.assign(ci_status="ok: warning: fewer than 10 recordings of a class")
    assert said(curve, NEEDED).count("(warning: fewer than 10 recordings of a class)") == 2


def test_a_curve_without_clips_needed_is_not_called_reached_or_not():
    text = said(CURVE, compared())
    assert "reach" not in text
    assert text.count("clips needed: no result") == 2


def test_the_model_that_needs_fewest_clips_comes_first():
    order = [a.model for a in answers(fake_curves(), fake_comparisons()) if a.species == "coyote"]
    assert order == ["birdnet", "svm", "random_forest"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"training_size": 64}, "has no point at"),
        ({"needed_low": 16}, "a range of 16 to 32 clips, but no points there"),
        ({"needed_low": 120}, "a range of 120 to 32 clips"),
        ({"needed_low": None}, "a range of None to 32 clips"),
        ({"largest_size": 300}, "sizes up to 300 were evaluated, but not by this curve"),
        ({"largest_size": None}, "sizes up to None were evaluated"),
        ({"training_size": None}, "None clips needed with status 'ok'"),
        ({"status": "not reached with n = 120"}, "32 clips needed with status 'not reached"),
        ({"target": 0.955}, "0.955 is not reached at 32 clips"),
    ],
)
def test_tables_that_contradict_one_another_give_no_answer(change, complaint):
    row = needed_row("coyote", "birdnet", 32, 120)
    with pytest.raises(ValueError, match=complaint):
        answers(CURVE, compared(row | change))


def test_two_answers_to_one_question_are_refused():
    row = needed_row("coyote", "birdnet", 32, 120)
    with pytest.raises(ValueError, match="two rows of clips needed"):
        answers(CURVE, compared(row, row))


def test_clips_needed_of_another_metric_do_not_count():
    row = needed_row("coyote", "birdnet", 32, 120, metric="average_precision")
    assert all(answer.needed is None for answer in answers(CURVE, compared(row)))


def test_the_table_holds_text_alone():
    table = clips_needed_table(fake_curves(), fake_comparisons(), THREE)
    assert tuple(table.columns) == CLIPS_NEEDED_COLUMNS
    assert all(isinstance(cell, str) for cell in table.to_numpy().ravel())
    coyote = table[(table["species"] == "coyote") & (table["model"] == "BirdNET 2.4")]
    assert coyote.iloc[0].tolist() == [
        "coyote",
        "BirdNET 2.4",
        "0.979",
        "0.963 to 0.988",
        "107",
        "0.941",
        "64",
        "16 to 64",
        "ok",
    ]


def test_the_table_has_a_row_for_every_species_and_model_with_rows():
    curves = fake_curves()
    table = clips_needed_table(curves, fake_comparisons())
    assert len(table) == len(curves[["species", "model"]].drop_duplicates())


def test_no_rows_give_an_empty_table_with_its_columns():
    table = clips_needed_table(curve_frame([]), compared())
    assert tuple(table.columns) == CLIPS_NEEDED_COLUMNS
    assert table.empty


def test_tables_read_back_from_csv_say_the_same():
    import io

    from audio_assets.results.csv_format import to_csv_bytes
    from audio_assets.tables import LEARNING_CURVE

    curves, comparisons = (
        pd.read_csv(io.BytesIO(to_csv_bytes(frame, table)), float_precision="round_trip")
        for frame, table in (
            (fake_curves(), LEARNING_CURVE),
            (fake_comparisons(), MODEL_COMPARISON),
        )
    )
    assert clips_needed_table(curves, comparisons).equals(
        clips_needed_table(fake_curves(), fake_comparisons())
    )
