"""What a fault of the domain becomes in Dagster."""

import dagster as dg
import pytest

from audio_assets.assets.plan import clear_failures
from audio_assets.errors import AudioAssetsError, StorageError, TransientStorageError


@pytest.mark.parametrize(
    ("kind", "retried"),
    [(TransientStorageError, True), (StorageError, False), (AudioAssetsError, False)],
)
def test_only_what_passes_may_be_retried(kind: type[AudioAssetsError], retried: bool) -> None:
    with pytest.raises(dg.Failure) as raised, clear_failures():
        raise kind("What is wrong", "What to do.")
    assert raised.value.allow_retries is retried
    assert raised.value.description == "What is wrong\nWhat to do."
