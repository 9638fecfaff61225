"""Copying weights from a remote weights root, such as a bucket, to a local folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_assets.errors import WeightsError
from audio_assets.weights.locking import waiting_lock
from audio_assets.weights.sources import WeightSource

if TYPE_CHECKING:
    from upath import UPath

# What a listing says of an object beside its size, by file system.
_VERSIONS = ("md5Hash", "crc32c", "generation", "etag", "ETag", "updated", "mtime", "created")


def copy_mirror(remote: UPath, source: WeightSource, cache: Path) -> Path | None:
    """Copy the weights of an encoder unless the cache has them as the listing shows them now.

    Parameters
    ----------
    remote
        Folder of the encoder under the remote root.
    cache
        Receives a folder for each content that the listing has ever shown.

    Returns
    -------
    Path or None
        The local folder; None if there is nothing under ``remote``.

    Raises
    ------
    WeightsError
        If it cannot be listed or copied.
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
    except OSError as error:
        raise WeightsError(
            f"the weights under {remote} cannot be copied to {cache}: {error}",
            "Check AUDIO_ASSETS_WEIGHTS_ROOT, your access to it, and the room on the disk.",
        ) from error


def _listing(remote: UPath, source: WeightSource) -> dict[str, dict[str, Any]]:
    from audio_assets.weights.places import RECORD

    remote.fs.invalidate_cache()
    try:
        found = remote.fs.find(remote.path, detail=True)
    except FileNotFoundError:
        return {}
    start = remote.path.strip("/") + "/"
    relative = {name.strip("/").removeprefix(start): info for name, info in found.items()}
    wanted = {RECORD, *(file.name for file in source.files)}
    return {
        name: info
        for name, info in relative.items()
        if name in wanted or name.split("/")[0] in source.folders
    }


def _name(listing: dict[str, dict[str, Any]]) -> str:
    content = sorted(
        (name, info["size"], [str(info[key]) for key in _VERSIONS if key in info])
        for name, info in listing.items()
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _copy(remote: UPath, listing: dict[str, dict[str, Any]], folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name, info in listing.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with (remote / name).open("rb") as reader, target.open("wb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
            if target.stat().st_size != info["size"]:
                raise OSError(f"{name} has {info['size']} bytes, and {target.stat().st_size} came")
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
