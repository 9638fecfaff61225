"""List the audio under a root: species folders and the objects in them.

Nothing is decoded here. A listing that fails is an error; it is never mistaken for an empty folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from audio_assets.catalog.folder_counts import count_files, is_audio_name
from audio_assets.catalog.layout import RootLayout, root_layout, suggested_name
from audio_assets.errors import AudioRootError
from audio_assets.objects import bucket
from audio_assets.objects.files import file_state, is_local, require_file
from audio_assets.objects.links import Inside
from audio_assets.tables import LABELS, VARIANTS
from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key

if TYPE_CHECKING:
    from upath import UPath

KnownChecksums = Mapping[tuple[str, int, str], str]
"""(URI, size, file state) -> checksum of a local file that was read before."""

_CHUNK_BYTES = 1 << 20
# A file may change twice within one step of its file system's clock: 2 s on FAT, 10 ms on ext4.
_CLOCK_STEP_NS = 2 * 10**9
# A prefix of a bucket has no time of its own, and a folder's time is unrelated to its audio.
_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class AudioObject:
    """One object of a species, as listed.

    Attributes
    ----------
    name
        File name with its ending.
    path
        ``{species}/{variant}/{label}/{name}``, relative to the audio root.
    size
        Bytes.
    checksum
        ``sha256:…`` of a local file, ``md5:…`` or ``crc32c:…`` from a bucket, or ``unread:…`` for
        a file that could not be read. Empty if not requested.
    generation
        Object generation, empty for local files.
    changed_ns
        Time of the last change of a local file or its metadata, in ns since 1970. Unlike the
        modification time it cannot be set; 0 in a bucket.
    file_state
        Inode number, modification and change time, which differ after a local file was written or
        replaced even if size and time are the same. Empty in a bucket, and for a file that changed
        so recently that it may change again without a visible difference.
    is_folder
        Whether it is a folder in place of a clip.
    leads_out
        Whether it is a link that leads out of the root, or stands for a folder of the species that
        is one. Its target is neither read nor described.
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
    changed_ns: int = 0
    file_state: str = ""
    is_folder: bool = False
    leads_out: bool = False


@dataclass(frozen=True)
class SpeciesListing:
    """Species folders under a root.

    Attributes
    ----------
    species
        Folder names that may be partitions, sorted.
    rejected
        Folder name that breaks the key rule -> remedy.
    audio_files
        Audio files directly in the root, where no clip belongs.
    """

    species: tuple[str, ...]
    rejected: dict[str, str]
    audio_files: int = 0


@dataclass(frozen=True)
class _Entry:
    """An entry of a folder. The checksum is None if it has yet to be computed."""

    name: str
    is_folder: bool
    size: int
    checksum: str | None
    generation: str
    updated: datetime
    changed_ns: int = 0
    file_state: str = ""
    leads_out: bool = False


def list_species(root: UPath) -> SpeciesListing:
    """List the species folders under ``root``.

    Raises
    ------
    AudioRootError, StorageError
        If the root cannot be listed.
    """
    entries = [entry for entry in _list_root(root) if not entry.name.startswith(".")]
    names = sorted(entry.name for entry in entries if entry.is_folder)
    return SpeciesListing(
        species=tuple(name for name in names if is_partition_key(name)),
        rejected={name: _key_remedy(name, names) for name in names if not is_partition_key(name)},
        audio_files=sum(not e.is_folder and is_audio_name(e.name) for e in entries),
    )


def examine_layout(
    root: UPath,
    listing: SpeciesListing,
    species: Collection[str] | None = None,
    *,
    variants: Collection[str] = VARIANTS,
) -> RootLayout:
    """Count the files of the listed folders, or only of some ``species``, and find the mistakes.

    Folders that break the key rule are counted too if all are: 'Pos' in the root is no species.

    Parameters
    ----------
    variants
        Variants that the models read.

    Raises
    ------
    StorageError
        If a bucket cannot be listed.
    """
    names = [name for name in listing.species if species is None or name in species]
    rejected = listing.rejected if species is None else {}
    counts = {name: count_files(root, name) for name in (*names, *rejected)}
    audio = listing.audio_files if species is None else 0
    # Absolute, since the remedy may be a folder above it, and with the separators of a bucket.
    shown = Path(root.path).absolute().as_posix() if is_local(root) else str(root)
    return root_layout(shown, counts, rejected=rejected, audio=audio, variants=tuple(variants))


def list_objects(
    root: UPath,
    species: str,
    *,
    known: KnownChecksums = MappingProxyType({}),
    compute_checksums: bool = True,
    check_root: bool = True,
) -> Iterator[AudioObject]:
    r"""Yield the objects under ``{species}/{variant}/{label}/``, by variant, label and name.

    Hidden files and placeholders of empty folders are left out; every other object is listed,
    whatever its ending, so that non-audio files can be reported by name. Folders are listed too,
    but not their files: otherwise clips moved into them would go unnoticed. A missing folder has no
    objects. Bytes of a name that are not UTF-8 are shown as ``\xff``. For a bucket, one page is in
    memory at a time. A local file is read for its checksum, unless it is ``known`` to be unchanged
    since it was last read. Without ``compute_checksums`` no file is read, and only a bucket's
    objects have a checksum. Pass ``check_root=False`` if the root has just been listed: for a
    bucket, checking it costs a request per species.

    A link that leads out of the root is listed by name, without size, time or checksum of its
    target. If a species, variant or label folder is such a link, its name is listed in each label
    folder behind it.

    Raises
    ------
    AudioRootError, StorageError
        If the root or a folder that exists cannot be listed.
    """
    if check_root:
        next(_list_root(root), None)
    inside = Inside(root)
    for variant in VARIANTS:
        for label in LABELS:
            folder = root / species / variant / label
            # Building a UPath per object would take most of the time of a listing.
            shown, prefix = str(folder), f"{species}/{variant}/{label}"
            if not inside.has(folder.path):
                yield _named_for_folder(root, inside, (species, variant, label))
                continue
            for entry in _list(folder, inside=inside):
                if entry.name.startswith("."):
                    continue
                # Neither Parquet nor HTML can contain a name that is not UTF-8.
                name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                uri = f"{shown}/{name}"
                checksum = entry.checksum
                if checksum is None and compute_checksums:
                    checksum = known.get((uri, entry.size, entry.file_state)) or _computed(
                        folder, prefix, name, entry, inside
                    )
                yield AudioObject(
                    name=name,
                    path=f"{prefix}/{name}",
                    variant=variant,
                    label=label,
                    uri=uri,
                    size=entry.size,
                    checksum=checksum or "",
                    generation=entry.generation,
                    updated=entry.updated,
                    changed_ns=entry.changed_ns,
                    file_state=entry.file_state,
                    is_folder=entry.is_folder,
                    leads_out=entry.leads_out,
                )


def _key_remedy(name: str, taken: Collection[str]) -> str:
    remedy = f"rename the folder so that it matches {KEY_RULE}"
    suggested = suggested_name(name)
    if suggested in taken:
        return f"{remedy}, or move its clips into {suggested!r}"
    return f"{remedy}, for instance to {suggested!r}" if suggested else remedy


def _list_root(root: UPath) -> Iterator[_Entry]:
    """List the root, which must exist and must not be empty.

    A drive that is not mounted leaves an empty folder, as if all audio had been removed.
    """
    entries = _list(root, required=True)
    first = next((entry for entry in entries if not entry.name.startswith(".")), None)
    if first is not None:
        return chain([first], entries)
    if is_local(root):
        raise AudioRootError(
            f"There is nothing under the audio root {root}",
            "Put clips into {species}/data/pos and {species}/data/neg there, or correct "
            "AUDIO_ASSETS_AUDIO_ROOT; if there were clips, make sure that the drive is mounted.",
        )
    raise AudioRootError(
        f"The audio root {root} does not exist: there is no object under it",
        "Correct AUDIO_ASSETS_AUDIO_ROOT.",
    )


def _named_for_folder(root: UPath, inside: Inside, parts: tuple[str, str, str]) -> AudioObject:
    """Return the object that represents a label folder behind a link out of the root."""
    depth = next(n for n in (1, 2, 3) if not inside.has((root / "/".join(parts[:n])).path))
    path = "/".join(parts[:depth])
    return AudioObject(
        name=parts[depth - 1],
        path=path,
        variant=parts[1],
        label=parts[2],
        uri=str(root / path),
        size=0,
        checksum="unread:" + hashlib.sha256("/".join(parts).encode()).hexdigest(),
        generation="",
        updated=_NO_TIME,
        leads_out=True,
    )


def _list(
    folder: UPath, *, required: bool = False, inside: Inside | None = None
) -> Iterator[_Entry]:
    """Yield the entries of a folder by name; nothing if the folder does not exist.

    Links are checked only if ``inside`` is given.
    """
    if not is_local(folder):
        for found in bucket.list_folder(folder):
            yield _Entry(
                found.name,
                found.is_folder,
                found.size,
                found.checksum or None,
                "" if found.is_folder else str(found.generation),
                found.updated or _NO_TIME,
            )
        return
    try:
        try:
            listing = os.scandir(folder.path)
        except FileNotFoundError as error:
            if not required:
                return
            raise AudioRootError(
                f"The audio root {folder} does not exist", "Correct AUDIO_ASSETS_AUDIO_ROOT."
            ) from error
        with listing:
            entries = [
                here for entry in listing if (here := _local_entry(entry, inside)) is not None
            ]
    except NotADirectoryError as error:
        raise AudioRootError(
            f"{folder} is a file", "Set it to the folder that contains the species."
        ) from error
    except OSError as error:
        raise AudioRootError(
            f"{folder} cannot be listed: {error}",
            "Check that it is a folder and that you may read it; nothing was changed.",
        ) from error
    yield from sorted(entries, key=lambda entry: entry.name)


def _local_entry(entry: os.DirEntry[str], inside: Inside | None) -> _Entry | None:
    """Return the entry, or None if it has disappeared: copying tools rename or remove files."""
    if inside is not None and entry.is_symlink() and not inside.has(entry.path):
        return _Entry(entry.name, False, 0, None, "", _NO_TIME, leads_out=True)
    # A link counts as its target, and a broken link as a file.
    # The file is asked, not the entry: on Windows an entry has no inode number, which is part of
    # the state.
    try:
        seen = os.stat(entry.path)
    except OSError:
        try:
            seen = os.lstat(entry.path)
        except FileNotFoundError:
            return None
    if stat.S_ISDIR(seen.st_mode):
        return _Entry(entry.name, True, 0, None, "", _NO_TIME)
    updated = datetime.fromtimestamp(seen.st_mtime, UTC)
    changed = seen.st_ctime_ns
    # Taken before the file is read: any later write changes its state.
    settled = max(changed, seen.st_mtime_ns) < time.time_ns() - _CLOCK_STEP_NS
    state = file_state(seen) if settled else ""
    return _Entry(entry.name, False, seen.st_size, None, "", updated, changed, state)


def _computed(folder: UPath, prefix: str, name: str, entry: _Entry, inside: Inside) -> str:
    digest = hashlib.sha256()
    # Joining paths of thousands of clips as UPath took a tenth of their hashing.
    path = os.path.join(folder.path, name)
    try:
        if entry.is_folder:
            raise IsADirectoryError
        # Not only for links: the file may have been replaced by one since the folder was listed.
        inside.require(path)
        require_file(path)
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        # The clip stays in the inventory, so that reading it later quarantines it by name.
        seen = f"{prefix}/{name}:{entry.size}:{entry.updated.isoformat()}"
        return "unread:" + hashlib.sha256(seen.encode()).hexdigest()
    return "sha256:" + digest.hexdigest()
