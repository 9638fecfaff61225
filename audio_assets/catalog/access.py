"""Test access to roots and clips with as few and as small requests as possible.

The consequences of a refusal are decided elsewhere.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from audio_assets.catalog.notice import NOTICE
from audio_assets.errors import StorageError, TransientStorageError
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import delete_file, is_local, open_file, require_file, write_atomic

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath


def check_writable(root: UPath) -> None:
    """Write an empty file under a root and delete it again.

    Raises
    ------
    ResultsError, StorageError, OSError
        If either fails.
    """
    probe = root / f".probe-{uuid.uuid4().hex[:8]}"
    write_atomic(probe, b"")
    delete_file(probe)


def refusal_of_clips(root: UPath, inventory: pd.DataFrame) -> str:
    """Return why the first clip of an inventory may not be read; empty if it may, or without clips.

    A clip that was changed or removed meanwhile does not count as refused, and neither does a
    transient error: a run will discover these.

    Parameters
    ----------
    root
        Audio root.
    inventory
        Table ``audio_inventory`` of a species.
    """
    from upath import UPath

    usable = inventory[inventory["status"] == "ok"]
    for uri in usable["uri"].head(1):
        return _refusal(UPath(uri, **root.storage_options))
    return ""


def refusal_of_notice(root: UPath) -> str:
    """Return why ``NOTICE.txt`` of an audio root may not be read; empty if it may, or is absent."""
    return _refusal(root / NOTICE)


def _refusal(path: UPath) -> str:
    try:
        if is_local(path):
            require_file(path.path)
        with open_file(path) as file:
            file.read(1)
    except (TransientStorageError, ChangedError, FileNotFoundError):
        return ""
    except (StorageError, OSError) as error:
        return str(error)
    return ""
