"""A fault speaks the vocabulary of quarantine.csv."""

import pytest

from audio_assets.audio.faults import ClipFault
from audio_assets.tables import QUARANTINE_REASONS


@pytest.mark.parametrize("reason", QUARANTINE_REASONS)
def test_every_reason_of_the_vocabulary_makes_a_fault(reason: str) -> None:
    assert ClipFault(reason, "3 of 4 bytes").reason == reason


def test_a_reason_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="broken"):
        ClipFault("broken", "3 of 4 bytes")


def test_a_fault_without_a_detail_is_refused() -> None:
    with pytest.raises(ValueError, match="plain words"):
        ClipFault("silent", "")
