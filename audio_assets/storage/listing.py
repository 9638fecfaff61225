"""Listing audio under a root: species folders and the objects in them.

Works on any fsspec filesystem. Nothing is decoded here. A listing that fails is an error; it is
never mistaken for an empty folder.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audio_assets.errors import AudioRootError
from audio_assets.partition_keys import KEY_RULE, is_partition_key
from audio_assets.storage.files import require_file
from audio_assets.tables import LABELS, VARIANTS

if TYPE_CHECKING:
    from upath import UPath

_CHUNK_BYTES = 1 << 20
_SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class AudioObject:
    """One object of a species, as a listing shows it.

    Attributes
    ----------
    name
        File name with its ending.
    path
        ``{species}/{variant}/{label}/{name}``, relative to the audio root.
    size
        Bytes.
    checksum
        ``sha256:…`` of a local file, ``md5:…`` or ``crc32c:…`` from an object store, or
        ``unread:…`` for a file that could not be read.
    generation
        Object generation, empty for local files.
    """

    name: str
    path: str
    variant: str
    label: str
    uri: str
    size: int
    checksum: str
    generation: str
    updated: datetime


@dataclass(frozen=True)
class SpeciesListing:
    """Species folders under a root.

    Attributes
    ----------
    species
        Folder names that may be partitions, sorted.
    rejected
        Folder names that break the key rule, with what to do about it.
    """

    species: tuple[str, ...]
    rejected: dict[str, str]


def list_species(root: UPath) -> SpeciesListing:
    """Species folders under ``root``.

    Raises
    ------
    AudioRootError
        If the root cannot be listed.
    """
    names = sorted(
        _name(entry) for entry in _list(root, required=True) if entry["type"] == "directory"
    )
    names = [name for name in names if not name.startswith(".")]
    return SpeciesListing(
        species=tuple(name for name in names if is_partition_key(name)),
        rejected={
            name: f"rename the folder so that it matches {KEY_RULE}"
            for name in names
            if not is_partition_key(name)
        },
    )


def list_objects(root: UPath, species: str) -> Iterator[AudioObject]:
    """Objects under ``{species}/{variant}/{label}/``, in order of variant, label and name.

    Hidden files and placeholders of empty folders are left out; every other object is listed,
    whatever its ending, so that what is not audio can be named as such. So is a folder that is
    named like a sound file. A missing folder has no objects. Bytes of a name that are no UTF-8 are
    shown as ``\\xff``.

    Raises
    ------
    AudioRootError
        If the root or a folder that exists cannot be listed.
    """
    _list(root, required=True)
    for variant in VARIANTS:
        for label in LABELS:
            folder = root / species / variant / label
            entries = [e for e in _list(folder) if e["type"] != "directory" or _is_odd_folder(e)]
            for entry in sorted(entries, key=_name):
                name = _name(entry)
                if name and not name.startswith("."):
                    yield _object(folder, f"{species}/{variant}/{label}", entry)


def _object(folder: UPath, prefix: str, entry: dict[str, Any]) -> AudioObject:
    variant, label = prefix.split("/")[1:]
    # Neither Parquet nor a page can hold a name that is no UTF-8.
    path = folder / os.fsencode(_name(entry)).decode("utf-8", "backslashreplace")
    return AudioObject(
        name=path.name,
        path=f"{prefix}/{path.name}",
        variant=variant,
        label=label,
        uri=str(path),
        size=int(entry["size"]),
        checksum=_checksum(path, f"{prefix}/{path.name}", entry),
        generation=str(entry.get("generation", "")),
        updated=_updated(entry),
    )


def _list(folder: UPath, *, required: bool = False) -> list[dict[str, Any]]:
    fs = folder.fs
    try:
        # An object store's listing may be cached from an earlier call of this process.
        fs.invalidate_cache()
        listed: list[dict[str, Any]] = fs.ls(folder.path, detail=True)
    except FileNotFoundError as error:
        if not required:
            return []
        raise AudioRootError(
            f"The audio root {folder} does not exist", "Correct AUDIO_ASSETS_AUDIO_ROOT."
        ) from error
    except OSError as error:
        raise AudioRootError(
            f"{folder} cannot be listed: {error}",
            "Check that it is a folder and that you may read it; nothing was changed.",
        ) from error
    if [entry["type"] for entry in listed] == ["file"] and _same(listed[0]["name"], folder.path):
        raise AudioRootError(f"{folder} is a file", "Give the folder that holds the species.")
    for entry in listed:
        # fsspec calls every link of a local folder "other", also one to a species folder.
        if entry.get("islink") and fs.isdir(entry["name"]):
            entry["type"] = "directory"
    return [entry for entry in listed if not _same(entry["name"], folder.path)]


def _same(name: str, path: str) -> bool:
    return name.rstrip("/") == path.rstrip("/")


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]


def _is_odd_folder(entry: dict[str, Any]) -> bool:
    return _name(entry).lower().endswith(_SOUND_ENDINGS)


def _checksum(path: UPath, relative: str, entry: dict[str, Any]) -> str:
    if "md5Hash" in entry:
        return "md5:" + base64.b64decode(entry["md5Hash"]).hex()
    if "crc32c" in entry:
        # 32 bits alone collide; with the size they identify a clip of one species well enough.
        return f"crc32c:{base64.b64decode(entry['crc32c']).hex()}{int(entry['size']):012x}"
    digest = hashlib.sha256()
    try:
        require_file(path)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        # The clip stays in the inventory, so that it is quarantined by name when it is read.
        seen = f"{relative}:{entry['size']}:{_updated(entry).isoformat()}"
        return "unread:" + hashlib.sha256(seen.encode()).hexdigest()
    return "sha256:" + digest.hexdigest()


def _updated(entry: dict[str, Any]) -> datetime:
    if entry["type"] == "directory":
        # A prefix of an object store has no time of its own, and a folder's says nothing of audio.
        return datetime.fromtimestamp(0, UTC)
    for key in ("mtime", "updated", "created"):
        value = entry.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, str):
            return datetime.fromisoformat(value)
    raise AudioRootError(
        f"The listing of {entry['name']} has no modification time",
        "Report the storage system in use; it is not supported.",
    )
