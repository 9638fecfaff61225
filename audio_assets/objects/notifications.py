"""Pull the notifications of changes in a bucket from a Pub/Sub subscription.

Reading messages, and finding the folders that they name, belongs here. Clients are created in
:func:`audio_assets.objects.roots.open_subscription`.

This module calls the REST interface directly: Google's client for Pub/Sub uses gRPC and depends on
OpenTelemetry, and only three calls are needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audio_assets.errors import StorageError, TransientStorageError
from audio_assets.objects.bucket_requests import bucket_name, plain_words

if TYPE_CHECKING:
    from upath import UPath

_MESSAGES = 1000
# A tick also has to list audio, and Dagster ends it after a minute.
_PULL_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_NO_ROLE = (
    "Grant the account that runs the code server the role roles/pubsub.subscriber on the "
    "subscription."
)
_NOT_THERE = (
    "Create it as deploy/README.md says, or correct AUDIO_ASSETS_NOTIFICATIONS; empty for none."
)


@dataclass(frozen=True)
class Notice:
    """One message.

    Attributes
    ----------
    receipt
        Id with which it is acknowledged.
    bucket, name
        Bucket and name of the object that was written or deleted; both empty if there is none.
    """

    receipt: str
    bucket: str
    name: str


@dataclass(frozen=True)
class Named:
    """Parts of an audio root that messages name.

    Attributes
    ----------
    folders
        Folders in the root in which something changed.
    is_root
        Whether an object directly in the root changed, such as ``clips.csv``.
    elsewhere
        Number of messages about other buckets or prefixes.
    unknown
        Number of messages that name no object.
    """

    folders: frozenset[str] = frozenset()
    is_root: bool = False
    elsewhere: int = 0
    unknown: int = 0


def named_in(root: UPath, notices: Iterable[Notice]) -> Named:
    """Find the parts of a gs:// root that the messages name."""
    prefix = str(root.path).partition("/")[2].strip("/")
    prefix = f"{prefix}/" if prefix else ""
    folders, is_root, elsewhere, unknown = set(), False, 0, 0
    for notice in notices:
        folder, slash, _ = notice.name.removeprefix(prefix).partition("/")
        if not notice.name:
            unknown += 1
        elif notice.bucket != bucket_name(root) or not notice.name.startswith(prefix):
            elsewhere += 1
        elif slash:
            folders.add(folder)
        else:
            is_root = True
    return Named(frozenset(folders), is_root, elsewhere, unknown)


class Subscription:
    """A pull subscription.

    Parameters
    ----------
    name
        ``projects/{project}/subscriptions/{subscription}``.
    address
        Address of Pub/Sub, or of an emulator.
    session
        Returns a session with credentials, which sends the requests.
    """

    def __init__(self, name: str, address: str, session: Callable[[], Any]) -> None:
        self.name = name
        self._address = address
        self._session = session

    def pull(self, keep_seconds: float) -> list[Notice]:
        """Return the waiting messages, up to some thousands; the next call returns the rest.

        A message is delivered again unless it is acknowledged.

        Parameters
        ----------
        keep_seconds
            Seconds during which they must not be delivered again.

        Raises
        ------
        StorageError, TransientStorageError
            If the subscription does not exist or may not be read, or cannot be read for now.
        """
        notices: list[Notice] = []
        deadline = time.monotonic() + _PULL_SECONDS
        while time.monotonic() < deadline:
            # Immediately: otherwise an empty subscription responds after a minute and a half.
            answer = self._call("pull", {"returnImmediately": True, "maxMessages": _MESSAGES})
            page = self._notices(answer)
            if not page:
                break
            seconds = int(min(600, max(10, keep_seconds)))
            receipts = [notice.receipt for notice in page]
            self._call("modifyAckDeadline", {"ackIds": receipts, "ackDeadlineSeconds": seconds})
            notices += page
        return notices

    def _notices(self, answer: dict[str, Any]) -> list[Notice]:
        received = answer.get("receivedMessages", [])
        if isinstance(received, list) and all(
            isinstance(one, dict) and "ackId" in one for one in received
        ):
            return [_notice(one) for one in received]
        # For example that of a proxy: a response not made by Pub/Sub must not end the tick.
        raise self._fault(502, "the response is not from Pub/Sub")

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Acknowledge messages, so that they are not delivered again.

        Raises
        ------
        StorageError, TransientStorageError
            As :meth:`pull`.
        """
        for start in range(0, len(receipts), _MESSAGES):
            self._call("acknowledge", {"ackIds": list(receipts[start : start + _MESSAGES])})

    def _call(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        import requests
        from google.api_core.exceptions import from_http_response
        from google.auth.exceptions import GoogleAuthError

        url = f"{self._address}/v1/{self.name}:{what}"
        try:
            response = self._session().post(url, json=body, timeout=_TIMEOUT_SECONDS)
            if response.ok:
                answer = response.json()
                if isinstance(answer, dict):
                    return answer
                raise ValueError
            answered: Any = from_http_response(response)  # type: ignore[no-untyped-call]
            fault = self._fault(response.status_code, plain_words(answered))
        except GoogleAuthError as error:
            fault = self._fault(503 if error.retryable else 401, plain_words(error))
        except ValueError:
            # For example from a proxy. The error of requests for invalid JSON is one too.
            fault = self._fault(502, "the response is not from Pub/Sub")
        except requests.RequestException as error:
            fault = self._fault(503, plain_words(error))
        # Outside the handler, so that no traceback shows the request and its token.
        raise fault

    def _fault(self, status: int, words: str) -> StorageError:
        if status in _TRANSIENT:
            return TransientStorageError(
                f"The subscription {self.name} could not be read for now: {words}",
                "The next tick tries again.",
            )
        if status == 404:
            return StorageError(f"The subscription {self.name} does not exist", _NOT_THERE)
        remedy = _NO_ROLE if status in (401, 403) else _NOT_THERE
        return StorageError(
            f"The subscription {self.name} may not be read ({status}): {words}", remedy
        )


def _notice(received: Any) -> Notice:
    """Read a message of any content; one that is no notification names no object."""
    message = received.get("message") or {}
    attributes = message.get("attributes") if isinstance(message, dict) else None
    attributes = attributes if isinstance(attributes, dict) else {}
    bucket, name = attributes.get("bucketId"), attributes.get("objectId")
    is_one = isinstance(bucket, str) and isinstance(name, str)
    return Notice(str(received["ackId"]), *((bucket, name) if is_one else ("", "")))
