"""Addresses under which a browser opens a published file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from audio_assets.objects.files import is_local

if TYPE_CHECKING:
    from upath import UPath

_BUCKETS = "https://storage.cloud.google.com"


def browser_address(path: UPath) -> str:
    """Return the URL of a file: ``file:`` on this machine, ``https:`` in a bucket.

    Google asks the reader to log in, and shows the file to those who may read the bucket.

    Parameters
    ----------
    path
        A file under a root of :func:`audio_assets.objects.roots.open_root`.

    Examples
    --------
    >>> from upath import UPath
    >>> browser_address(UPath("/my results/report/index.html"))
    'file:///my%20results/report/index.html'
    """
    if is_local(path):
        return Path(path.path).absolute().as_uri()
    return f"{_BUCKETS}/{quote(path.path)}"
