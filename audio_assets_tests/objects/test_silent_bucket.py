"""A bucket that takes connections and never answers, as behind a firewall that drops packets."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from upath import UPath

from audio_assets.errors import TransientStorageError
from audio_assets.objects import bucket, roots
from audio_assets.objects.roots import open_root

PATIENCE = 1.0
CALLS: dict[str, Callable[[UPath], object]] = {
    "list": lambda root: list(bucket.list_folder(root)),
    "read": lambda root: bucket.read(root / "a"),
    "open": lambda root: bucket.open_ranges(root / "a"),
    "stat": lambda root: bucket.generation_of(root / "a"),
    "write": lambda root: bucket.write(root / "a", b"data"),
    "delete": lambda root: bucket.delete(root / "a"),
}


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[UPath]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        host, port = server.getsockname()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
        roots._client.cache_clear()
        yield open_root("gs://field-audio/audio", patience=PATIENCE)
    roots._client.cache_clear()


@pytest.mark.parametrize("name", CALLS)
def test_a_bucket_that_never_answers_is_given_up_about_when_one_that_fails_is(name, silent):
    start = time.monotonic()
    with pytest.raises(TransientStorageError, match="for 1 s"):
        CALLS[name](silent)
    # Google's own limit of a single request is a minute.
    assert time.monotonic() - start < 10
