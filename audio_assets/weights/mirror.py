"""Copy weights from a weights root in a bucket to a local folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from audio_assets.errors import WeightsError
from audio_assets.objects.bucket import BucketEntry, list_folder, read
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.file_lock import waiting_lock
from audio_assets.weights.sources import RECORD, WeightSource

if TYPE_CHECKING:
    from upath import UPath


def copy_mirror(remote: UPath, source: WeightSource, cache: Path) -> Path | None:
    """Copy the weights of an encoder, unless the cache has them as currently listed.

    Parameters
    ----------
    remote
        Folder of the encoder under the remote root.
    cache
        Folder that receives one subfolder per version of the listed content.

    Returns
    -------
    Path or None
        The local folder; None if there is nothing under ``remote``.

    Raises
    ------
    WeightsError
        If it cannot be copied.
    StorageError
        If the bucket refuses or fails.
    """
    try:
        listing = _listing(remote, source)
        if not listing:
            return None
        folder = cache / _name(listing)
        if folder.is_dir():
            return folder
        with waiting_lock(cache / f".{folder.name}.lock"):
            if not folder.is_dir():
                _copy(remote, listing, folder)
        return folder
    except (OSError, ChangedError) as error:
        raise WeightsError(
            f"the weights under {remote} cannot be copied to {cache}: {error}",
            "Check AUDIO_ASSETS_WEIGHTS_ROOT, your access to it, and the free disk space.",
        ) from error


def _listing(remote: UPath, source: WeightSource) -> dict[str, BucketEntry]:
    wanted = {RECORD, *(file.name for file in source.files)}
    return {
        entry.name: entry
        for entry in list_folder(remote, deep=True)
        if entry.name in wanted or entry.name.split("/")[0] in source.folders
    }


def _name(listing: dict[str, BucketEntry]) -> str:
    content = sorted((name, entry.size, entry.checksum) for name, entry in listing.items())
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _copy(remote: UPath, listing: dict[str, BucketEntry], folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name, entry in listing.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            data = read(remote / name, generation=entry.generation, checksum=entry.checksum)
            target.write_bytes(data)
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
