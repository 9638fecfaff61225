"""Roots as paths: the only place where a cloud client is made.

Credentials are Google's Application Default Credentials, so a bound service account (Workload
Identity) needs no key file. With ``STORAGE_EMULATOR_HOST`` set, Google's library talks to that
server instead, without credentials.
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

# More than the threads that read at once; a smaller pool throws connections away.
_CONNECTIONS = 128
_SCOPES = "https://www.googleapis.com/auth"
_CREDENTIALS = (
    "On a cluster, bind the pod's service account (Workload Identity); elsewhere run gcloud auth "
    "application-default login."
)
_PUBSUB = "https://pubsub.googleapis.com"


def open_root(root: Root, *, patience: float | None = None) -> UPath:
    """A root as a path: a local folder, or a gs:// prefix that brings its client.

    A ``~`` in front of a local folder is the user's home, as in a shell.

    The client is made when the bucket is first asked for something.

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
    # A RuntimeError: ~somebody, who is not known here.
    except (ValueError, RuntimeError):
        path = None
    if path is None or path.protocol not in ("gs", "gcs") or not path.path.partition("/")[0]:
        raise SettingsError(
            f"The root {root} is neither a folder nor a gs:// prefix",
            "Give a local folder or gs://bucket/prefix.",
        )
    options: Any = {CLIENT: _client, **path.storage_options}
    if patience is not None:
        options[PATIENCE] = patience
    opened: UPath = UPath(f"gs://{path.path}", **options)
    return opened


def open_subscription(name: str, emulator: str = "") -> Subscription:
    """A Pub/Sub subscription; its client is made when it is first asked for something.

    Parameters
    ----------
    name
        ``projects/{project}/subscriptions/{subscription}``.
    emulator
        ``host:port`` of one to be asked instead of Google, without credentials.
    """
    if emulator:
        return Subscription(name, f"http://{emulator}", _plain_session)
    return Subscription(name, _PUBSUB, _authorized_session)


class _WithoutQueries(logging.Filter):
    """Cuts the queries off logged URLs: that of an upload is itself a permission to write."""

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
        # Without a project, which only making buckets would need.
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
