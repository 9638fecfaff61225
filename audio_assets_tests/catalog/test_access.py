"""What is tried of a root before work that failed there is tried again."""

import pytest

from audio_assets.catalog.access import refusal_of_notice
from audio_assets.catalog.notice import read_notice
from audio_assets.errors import AudioRootError
from audio_assets.objects.roots import open_root
from audio_assets_tests.bucket_server import BucketServer
from audio_assets_tests.conftest import BUCKET


@pytest.mark.parametrize("notice", [b"Recorded in 1998.", b"", None])
def test_a_notice_that_may_be_read_or_is_not_there_is_no_refusal(
    notice: bytes | None, bucket_server: BucketServer
) -> None:
    if notice is not None:
        bucket_server.put(BUCKET, "audio/NOTICE.txt", notice)
    assert refusal_of_notice(open_root(f"gs://{BUCKET}/audio")) == ""


def test_a_right_that_was_taken_and_a_bucket_that_is_gone_are_refusals(
    bucket_server: BucketServer,
) -> None:
    bucket_server.put(BUCKET, "audio/NOTICE.txt", b"Recorded in 1998.")
    bucket_server.fail(403)
    assert "may not be read (403)" in refusal_of_notice(open_root(f"gs://{BUCKET}/audio"))
    assert "does not exist" in refusal_of_notice(open_root("gs://gone/audio"))


@pytest.mark.usefixtures("gives_up_soon")
def test_a_fault_that_passes_is_no_refusal(bucket_server: BucketServer) -> None:
    bucket_server.fail(503, times=-1)
    assert refusal_of_notice(open_root(f"gs://{BUCKET}/audio")) == ""


def test_a_notice_that_is_a_link_out_of_the_root_is_not_published(tmp_path):
    (tmp_path / "secret.txt").write_text("of nobody's business")
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio/NOTICE.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(AudioRootError, match="leads out of the audio root"):
        read_notice(open_root(tmp_path / "audio"))
