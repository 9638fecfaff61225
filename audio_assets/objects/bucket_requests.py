"""Send one request to a bucket: retries, and the errors of the package.

Transient errors (429, 5xx, broken connections, bodies that are truncated or do not match their
checksum) are retried after growing random waits, for at most :data:`GIVE_UP_SECONDS`. Other errors
become errors of the package. Their messages name bucket and object, never a URL: the URL of an
upload is itself a permission to write. The requests themselves belong in
:mod:`audio_assets.objects.bucket`.

Requests are counted, because a bucket charges for them: each try is one, as on the bill. Only an
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
"""Storage option of a gs:// path: seconds after which to give up, by default
:data:`GIVE_UP_SECONDS`."""

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
    """Return the requests of this process so far, by kind: list, read, write and delete."""
    with _lock:
        return dict(_made)


@contextmanager
def counting_requests() -> Iterator[Mapping[str, int]]:
    """Count the requests made within the context, by kind; not those of other threads.

    A process evaluates several sensors at once. Work in other threads is counted if
    :func:`map_counted` starts it.
    """
    counter: Counter[str] = Counter()
    token = _counting.set((*_counting.get(), counter))
    try:
        yield counter
    finally:
        _counting.reset(token)


def map_counted(pool: Executor, call: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Do as the pool's ``map`` does, and count the requests of its threads for the caller."""
    items = list(items)
    # One per item: a context can be entered only once at a time.
    contexts = [copy_context() for _ in items]
    return pool.map(lambda context, item: context.run(call, item), contexts, items)


def _count(what: str) -> None:
    with _lock:
        for counter in (_made, *_counting.get()):
            counter[what] += 1


class ChangedError(Exception):
    """The object has another generation than the requested one, or exists already."""


def bucket_name(path: UPath) -> str:
    """Return the bucket of a gs:// path."""
    return str(path.path).partition("/")[0]


def patience_for(path: UPath, patience: float | None = None) -> float:
    """Return the seconds after which to give up: ``patience``, the path's own, or the default."""
    if patience is None:
        patience = path.storage_options.get(PATIENCE)
    return GIVE_UP_SECONDS if patience is None else patience


def request(what: str, path: UPath, call: Callable[[], T], patience: float | None = None) -> T:
    """Return the result of a call; retry it after transient errors.

    Google's Retry ignores Retry-After and logs whole responses.

    Parameters
    ----------
    what
        Kind of the request: list, read, write or delete.
    path
        Object or folder, for messages.
    patience
        Seconds after which to give up; by default those of :func:`patience_for`.

    Raises
    ------
    StorageError, TransientStorageError, FileNotFoundError, ChangedError
        As the response says.
    """
    seconds = patience_for(path, patience)
    deadline = time.monotonic() + seconds
    longest = FIRST_WAIT_SECONDS
    while True:
        _count(what)
        try:
            return call()
        except Exception as error:
            if not _is_transient(error):
                fault = _refusal(what, path, error)
                break
            wait = max(random.uniform(0, longest), _retry_after(error))
            if time.monotonic() + wait > deadline:
                fault = TransientStorageError(
                    f"{path} could not be {_DONE[what]} for {seconds:g} s: {plain_words(error)}",
                    "Run again later; what was done so far is kept.",
                )
                break
        time.sleep(wait)
        longest = min(2 * longest, LONGEST_WAIT_SECONDS)
    # Outside the handler, so that no traceback shows the request and its URL.
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
        # An error of the package, or a bug.
        return error
    bucket = bucket_name(path)
    if error.code == 412:
        return ChangedError(str(path))
    if error.code == 404 and (what == "list" or "bucket does not exist" in str(error).lower()):
        return StorageError(
            f"The bucket {bucket} does not exist, so {path} cannot be {_DONE[what]}",
            "Correct the root in the settings, or create the bucket.",
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


def _is_transient(error: Exception) -> bool:
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


def _retry_after(error: Exception) -> float:
    """Return the seconds in the Retry-After header, at most :data:`LONGEST_WAIT_SECONDS`."""
    response = getattr(error, "response", None)
    header = "" if response is None else response.headers.get("Retry-After", "")
    return min(float(header), LONGEST_WAIT_SECONDS) if header.isdecimal() else 0.0


def plain_words(error: Any) -> str:
    """Return the text of an error, without URLs and without secrets that a response may repeat."""
    import requests
    import urllib3
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError)):
        # Their messages contain URLs.
        return f"the connection failed ({type(error).__name__})"
    text = getattr(error, "message", None) or str(error)
    if isinstance(error, GoogleAPICallError) and error.response is not None:
        try:
            # The message of a failed download is the whole response.
            text = error.response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            # The response of an intermediary, such as a proxy.
            pass
    text = re.sub(r"https?://\S+", "…", str(text))
    return _SECRET.sub("…", text.splitlines()[0] if text else type(error).__name__)[:500]
