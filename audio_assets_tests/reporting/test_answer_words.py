"""The answer in words."""

from typing import Any

import pytest

from audio_assets.reporting.words.answer_words import verdict
from audio_assets.tables import ANSWER

ROW: dict[str, Any] = dict.fromkeys(ANSWER.column_names) | {
    "species": "coyote",
    "model": "birdnet",
    "chosen_for": "highest AUC",
    "at": 16,
    "auc": 0.99996,
    "ci_low": 0.8699,
    "ci_high": 0.99997,
    "enough_at": 16,
    "largest_size": 32,
    "margin": 0.01,
    "target": 0.95,
    "proven": False,
    "recordings": 24,
    "recordings_to_prove": 70,
    "proof_status": "ok",
    "next": "label clips from 46 more recordings",
    "status": "ok",
}

TITLES = {"birdnet": "BirdNET"}


def test_a_verdict_names_the_models_that_were_not_compared() -> None:
    text = verdict(ROW | {"not_compared": "perch, vgg"}, TITLES)
    assert "(highest AUC; not compared, with a shorter curve or none: perch and vgg). 16 " in text


def test_a_verdict_names_model_clips_proof_and_next_step_and_never_rounds_to_1() -> None:
    assert verdict(ROW, TITLES) == (
        "Use BirdNET (highest AUC). 16 clips per class are enough: more gains at most 0.01. AUC "
        "0.999 with 16 clips per class (0.869 to 1.000): not yet proven to reach 0.95 with 24 "
        "recordings per class tested; about 70 would prove it (a plan). Next: label clips from 46 "
        "more recordings."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"tied": "perch", "tied_doubt": 0.0111},
            "perch may be as good or better, by at most 0.012",
        ),
        ({"tied": "perch"}, "perch may be as good or better, by an amount that is not known"),
        ({"proven": True}, "proven to reach 0.95."),
        ({"recordings_to_prove": None, "proof_status": "no number"}, "to reach 0.95; no number."),
        ({"ci_low": None, "proof_status": "why"}, "not proven to reach 0.95; why."),
        ({"enough_at": None, "gain_status": "why"}, "Whether more than 16 clips per class help"),
        (
            {"enough_at": None, "gain_from": 8, "gain_last_doubling": 0.03}
            | {"gain_low": -0.0001, "gain_high": 0.05},
            "From 8 to 32 clips per class the AUC changed by +0.030 (\u22120.001 to +0.050)",
        ),
        ({"model": None, "status": "no AUC"}, "No model can be recommended: no AUC. Next: label"),
    ],
)
def test_a_weak_answer_says_what_is_weak(change: dict[str, Any], words: str) -> None:
    assert words in verdict(ROW | change, TITLES)
