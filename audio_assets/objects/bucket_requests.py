"""One request to a bucket: what is tried again, and what a fault is called.

What passes (429, 5xx, broken connections, bodies that are cut or do not fit their checksum) is
tried again, with growing random waits and no longer than :data:`GIVE_UP_SECONDS`; what remains
becomes one of the package's errors. The messages name bucket and object, never a URL: that of an
upload is itself a permission to write. What is asked for is not known here.

Requests are counted, since they are what a bucket costs: each try is one, as on the bill. Only an
upload of more than 8 MB is several on the bill and one here.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from audio_assets.errors import StorageError, TransientStorageError

if TYPE_CHECKING:
    from upath import UPath

T = TypeVar("T")
S = TypeVar("S")

PATIENCE = "patience"
"""Storage option of a gs:// path: seconds to give up after, if not :data:`GIVE_UP_SECONDS`."""

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 32.0
# A bucket that does not answer for so long is down; the partition fails and can be run again.
GIVE_UP_SECONDS = 120.0
_SECRET = re.compile(
    r"(?i)(bearer\s+|(?:access_token|upload_id|x-goog-signature|x-goog-credential|signature|token"
    r"|key)[=:]\s*\"?)[^\s\"&<>]+|ya29\.[\w.-]+"
)

_lock = threading.Lock()
_made: Counter[str] = Counter()
_counting: ContextVar[tuple[Counter[str], ...]] = ContextVar("counting", default=())


def requests_made() -> dict[str, int]:
    """Requests that this process has made so far, by kind: list, read, write and delete."""
    with _lock:
        return dict(_made)


@contextmanager
def counting_requests() -> Iterator[Mapping[str, int]]:
    """Count the requests that are made within, by kind; not those of other threads.

    A process ticks several sensors at once. Work that is handed to threads is counted if it is
    handed out by :func:`map_counted`.
    """
    counter: Counter[str] = Counter()
    token = _counting.set((*_counting.get(), counter))
    try:
        yield counter
    finally:
        _counting.reset(token)


def map_counted(pool: Executor, call: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """As the pool's ``map``; what the threads ask a bucket for counts for the caller."""
    items = list(items)
    # One for each: a context can be entered once at a time.
    contexts = [copy_context() for _ in items]
    return pool.map(lambda context, item: context.run(call, item), contexts, items)


def _count(what: str) -> None:
    with _lock:
        for counter in (_made, *_counting.get()):
            counter[what] += 1


class ChangedError(Exception):
    """The object does not have the generation that was asked for, or exists already."""


def bucket_name(path: UPath) -> str:
    """Bucket of a gs:// path."""
    return str(path.path).partition("/")[0]


def patience_for(path: UPath, patience: float | None = None) -> float:
    """Seconds after which to give up: those given, else the path's own, else those of all."""
    if patience is None:
        patience = path.storage_options.get(PATIENCE)
    return GIVE_UP_SECONDS if patience is None else patience


def request(what: str, path: UPath, call: Callable[[], T], patience: float | None = None) -> T:
    """The call's result, tried again after what passes; other faults as the package's errors.

    Not Google's Retry: it does not wait as long as an answer says, and logs what the answer says.
    """
    seconds = patience_for(path, patience)
    deadline = time.monotonic() + seconds
    longest = FIRST_WAIT_SECONDS
    while True:
        _count(what)
        try:
            return call()
        except Exception as error:
            if not _passes(error):
                fault = _refusal(what, path, error)
                break
            wait = max(random.uniform(0, longest), _told_to_wait(error))
            if time.monotonic() + wait > deadline:
                fault = TransientStorageError(
                    f"{path} could not be {_DONE[what]} for {seconds:g} s: {plain_words(error)}",
                    "Run again later; what was done so far is kept.",
                )
                break
        time.sleep(wait)
        longest = min(2 * longest, LONGEST_WAIT_SECONDS)
    # Outside of the handler, so that no traceback shows the request and its URL.
    raise fault


_DONE = {"list": "listed", "read": "read", "write": "written", "delete": "deleted"}


def _refusal(what: str, path: UPath, error: Exception) -> Exception:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAuthError):
        return StorageError(
            f"{path} cannot be {_DONE[what]}: there are no valid credentials: {plain_words(error)}",
            "On a cluster, bind the pod's service account (Workload Identity); elsewhere run "
            "gcloud auth application-default login.",
        )
    if not isinstance(error, GoogleAPICallError):
        # One of the package's own, or a fault of the program.
        return error
    bucket = bucket_name(path)
    if error.code == 412:
        return ChangedError(str(path))
    if error.code == 404 and (what == "list" or "bucket does not exist" in str(error).lower()):
        return StorageError(
            f"The bucket {bucket} does not exist, so {path} cannot be {_DONE[what]}",
            "Correct the root in the settings, or make the bucket.",
        )
    if error.code == 404:
        return FileNotFoundError(f"there is no {path}")
    if error.code in (401, 403):
        role = "objectViewer" if what in ("list", "read") else "objectUser"
        return StorageError(
            f"{path} may not be {_DONE[what]} ({error.code}): {plain_words(error)}",
            f"Grant the account that runs this the role roles/storage.{role} on the bucket "
            f"{bucket}.",
        )
    return StorageError(
        f"{path} cannot be {_DONE[what]} ({error.code}): {plain_words(error)}",
        "Check the root in the settings, and that the bucket is as it should be.",
    )


def _passes(error: Exception) -> bool:
    import requests
    import urllib3
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import DataCorruption

    if isinstance(error, GoogleAPICallError):
        return error.code in (408, 429, 500, 502, 503, 504)
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or bool(error.retryable)
    broken = (requests.RequestException, urllib3.exceptions.HTTPError)
    return isinstance(error, (*broken, ConnectionError, TimeoutError, DataCorruption))


def _told_to_wait(error: Exception) -> float:
    """Seconds that the answer asks for, as far as one would wait."""
    response = getattr(error, "response", None)
    told = "" if response is None else response.headers.get("Retry-After", "")
    return min(float(told), LONGEST_WAIT_SECONDS) if told.isdecimal() else 0.0


def plain_words(error: Any) -> str:
    """Return the text of an error, without URLs and without secrets that a response may repeat."""
    import requests
    import urllib3
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError)):
        # Their messages hold URLs.
        return f"the connection failed ({type(error).__name__})"
    text = getattr(error, "message", None) or str(error)
    if isinstance(error, GoogleAPICallError) and error.response is not None:
        try:
            # That of a download has the whole answer for its message.
            text = error.response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            # An answer of something in between, such as a proxy.
            pass
    text = re.sub(r"https?://\S+", "…", str(text))
    return _SECRET.sub("…", text.splitlines()[0] if text else type(error).__name__)[:500]
