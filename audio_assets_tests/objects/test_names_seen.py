"""What of a bucket's files is believed without another look."""

import time

from audio_assets.objects.names_seen import NamesSeen
from audio_assets.objects.roots import open_root
from audio_assets_tests.conftest import BUCKET


def test_a_file_that_was_seen_in_a_bucket_is_believed_for_a_while(monkeypatch):
    seen, folder = NamesSeen(600), open_root(f"gs://{BUCKET}/results")
    assert not seen.has(folder / "a.parquet")
    seen.note(folder, ["a.parquet"])
    assert seen.has(folder / "a.parquet") and not seen.has(folder / "b.parquet")
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 601)
    assert not seen.has(folder / "a.parquet")


def test_a_folder_of_this_machine_is_not_believed(tmp_path):
    seen, folder = NamesSeen(600), open_root(tmp_path)
    seen.note(folder, ["a.parquet"])
    assert not seen.has(folder / "a.parquet")
