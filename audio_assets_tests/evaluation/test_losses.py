"""What was lost of a species' clips, and that it is said where the clips are missed."""

import doctest

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.evaluation.species import score_species, summarise_species
from audio_assets.evaluation.splits.loss import losses_of_classes
from audio_assets.tables import BALANCED_MANIFEST, EMBEDDINGS, QUARANTINE_REASONS
from audio_assets.tables import losses as losses_module
from audio_assets.tables.losses import (
    LOSS_WORDS,
    loss_by_reason,
    loss_in_words,
    reasons_in_words,
)


def test_every_reason_has_words() -> None:
    assert set(LOSS_WORDS) == set(QUARANTINE_REASONS)


def test_the_examples_hold() -> None:
    assert doctest.testmod(losses_module).failed == 0


@given(reasons=st.lists(st.sampled_from(sorted(QUARANTINE_REASONS)), min_size=1))
def test_the_numbers_of_the_reasons_add_up_to_the_clips(reasons):
    counts = loss_by_reason(reasons)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    said = reasons_in_words(counts)
    numbers = [int(part.split(" ")[0]) for part in said.split(", ")]
    assert sum(numbers) == len(reasons)
    # Four at most, so that a line stays a line.
    assert len(numbers) <= 4


@pytest.mark.parametrize(
    ("lost", "clips", "counts", "kind", "said"),
    [
        (1, 9, {"silent": 1}, "", "1 of 9 clips was not used: silent"),
        (2, 9, {"silent": 2}, "", "2 of 9 clips were not used: all silent"),
        (1, 1, {"silent": 1}, "positive", "the only positive clip was not used: silent"),
        (
            3,
            3,
            {"too_short": 2, "silent": 1},
            "",
            "none of the 3 clips was used: 2 too short, 1 silent",
        ),
    ],
)
def test_a_loss_is_told_in_plain_words(lost, clips, counts, kind, said):
    assert loss_in_words(lost, clips, counts, kind) == said


def embeddings(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    made = [
        dict.fromkeys(EMBEDDINGS.column_names)
        | {"clip_id": f"{label}/{number}", "variant": "data", "label": label}
        | {"recording_id": f"r{number}", "status": status, "reason": reason}
        | {"encoder": "placeholder", "encoder_fingerprint": "ab"}
        for number, (label, status, reason) in enumerate(rows)
    ]
    return pd.DataFrame(made, columns=list(EMBEDDINGS.column_names))


def why(clips: pd.DataFrame, protocol: str = "cv") -> str:
    scores = score_species(
        clips,
        pd.DataFrame(columns=list(BALANCED_MANIFEST.column_names)),
        species="owl",
        model="placeholder",
        encoder="placeholder",
        variant="data",
        head="logistic",
        sizes=(4,),
        protocol=protocol,
        seed=0,
        split_plan="",
    )
    curve = summarise_species(scores.scores, scores.predictions, ci_level=0.95, code_version="1")
    assert curve["ci_status"].iloc[0] == f"no evaluation: {scores.scores['reason'].iloc[0]}"
    return str(scores.scores["reason"].iloc[0])


GOOD = ("neg", "ok", None)


def test_no_positive_clips_says_how_many_were_lost_and_why():
    clips = embeddings(
        *[("pos", "quarantined", "undecodable")] * 3,
        ("pos", "quarantined", "too_short"),
        # The copy of a clip is no loss, and what is lost of the other class is not the cause.
        ("pos", "duplicate", None),
        ("neg", "quarantined", "silent"),
        *[GOOD] * 5,
    )
    assert why(clips) == (
        "no recording has positive clips; at least 2 are needed, one to train on and one to test "
        "on (none of the 4 positive clips was used: 3 damaged or cut off, 1 too short)"
    )


def test_where_no_clip_is_left_both_classes_say_why():
    clips = embeddings(("pos", "quarantined", "silent"), ("neg", "quarantined", "both_labels"))
    assert why(clips) == (
        "there are no usable clips under data (the only positive clip was not used: silent; the "
        "only negative clip was not used: labelled both pos and neg)"
    )


def test_too_few_clips_without_a_loss_say_nothing_of_one():
    assert "used" not in why(embeddings(("pos", "ok", None), *[GOOD] * 5))


def test_too_few_recordings_for_a_fixed_test_set_say_what_was_lost():
    clips = embeddings(
        *[("pos", "ok", None)] * 3, ("pos", "quarantined", "undecodable"), *[GOOD] * 9
    )
    assert why(clips, "holdout").endswith(
        "or the protocol cv (1 of 4 positive clips was not used: damaged or cut off)"
    )
    assert losses_of_classes(clips, ["neg"]) == []
