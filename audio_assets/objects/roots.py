"""Open roots as paths; the only module that creates cloud clients.

Credentials are Google's Application Default Credentials, so a bound service account (Workload
Identity) needs no key file. If ``STORAGE_EMULATOR_HOST`` is set, Google's library uses that server
instead, without credentials.
"""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, TypeAlias

from audio_assets.errors import SettingsError, StorageError
from audio_assets.objects.bucket import CLIENT
from audio_assets.objects.bucket_requests import PATIENCE
from audio_assets.objects.files import is_local
from audio_assets.objects.notifications import Subscription

if TYPE_CHECKING:
    import requests
    from google.cloud.storage import Client
    from upath import UPath

Root: TypeAlias = "str | os.PathLike[str] | UPath"

# More than the number of reading threads; a smaller pool discards connections.
_CONNECTIONS = 128
_SCOPES = "https://www.googleapis.com/auth"
_CREDENTIALS = (
    "On a cluster, bind the pod's service account (Workload Identity); elsewhere run gcloud auth "
    "application-default login."
)
_PUBSUB = "https://pubsub.googleapis.com"


def open_root(root: Root, *, patience: float | None = None) -> UPath:
    """Open a root as a path: a local folder, or a gs:// prefix with its client.

    A ``~`` in front of a local folder is the user's home, as in a shell. The client is created at
    the first request.

    Parameters
    ----------
    patience
        Seconds after which to give up on a bucket that fails, if other than two minutes.

    Raises
    ------
    SettingsError
        If it is neither.
    """
    from upath import UPath

    try:
        path = UPath(root)
        if is_local(path):
            return path.expanduser()
    # RuntimeError: ~name of a user who does not exist here.
    except (ValueError, RuntimeError):
        path = None
    if path is None or path.protocol not in ("gs", "gcs") or not path.path.partition("/")[0]:
        raise SettingsError(
            f"The root {root} is neither a folder nor a gs:// prefix",
            "Set it to a local folder or gs://bucket/prefix.",
        )
    options: Any = {CLIENT: _client, **path.storage_options}
    if patience is not None:
        options[PATIENCE] = patience
    opened: UPath = UPath(f"gs://{path.path}", **options)
    return opened


def open_subscription(name: str, emulator: str = "") -> Subscription:
    """Open a Pub/Sub subscription; its client is created at the first request.

    Parameters
    ----------
    name
        ``projects/{project}/subscriptions/{subscription}``.
    emulator
        ``host:port`` of an emulator to use instead of Google, without credentials.
    """
    if emulator:
        return Subscription(name, f"http://{emulator}", _plain_session)
    return Subscription(name, _PUBSUB, _authorized_session)


class _WithoutQueries(logging.Filter):
    """Remove the queries of logged URLs: that of an upload is itself a permission to write."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                value.partition("?")[0] if isinstance(value, str) else value
                for value in record.args
            )
        return True


@functools.cache
def _plain_session() -> requests.Session:
    import requests

    return requests.Session()


@functools.cache
def _authorized_session() -> requests.Session:
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=[f"{_SCOPES}/pubsub"])
    except (GoogleAuthError, OSError):
        credentials = None
    if credentials is None:
        raise StorageError("There are no Google credentials for Pub/Sub", _CREDENTIALS)
    session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session


@functools.cache
def _client() -> Client:
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage import Client

    try:
        # Without a project, which is only needed to create buckets.
        client = Client(project=None)
    except (GoogleAuthError, OSError):
        client = None
    if client is None:
        raise StorageError("There are no Google credentials for gs:// roots", _CREDENTIALS)
    from requests.adapters import HTTPAdapter

    logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())
    # It asks for the bucket beside every request, for traces that are not made here, which takes a
    # permission that reading objects does not.
    client._bucket_metadata_cache = None
    adapter: Any = HTTPAdapter(pool_connections=4, pool_maxsize=_CONNECTIONS)
    for scheme in ("https://", "http://"):
        client._http.mount(scheme, adapter)
    return client
