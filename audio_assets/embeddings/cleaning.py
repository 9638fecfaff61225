"""Removal of results that no current model and no listed clip needs.

Deciding what to remove belongs here: embeddings of encoders and fingerprints no longer used and of
clips no longer listed, and tables of models that are not turned on. The caller passes the current
clips and encoders. Tables of species whose folder is gone are kept: their partitions still exist,
and the next run would write them again.

Interrupted at any moment, this leaves a valid store: a shard with clips of both kinds is deleted
only after a new one with the clips to keep is in place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audio_assets.embeddings.clip_rows import INDEX_COLUMNS
from audio_assets.embeddings.shards import (
    DamagedShardError,
    Shard,
    index_name,
    is_index,
    is_shard,
    read_shard,
    shard_bytes,
    shard_name,
)
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.errors import ResultsError
from audio_assets.objects import bucket
from audio_assets.objects.files import delete_file, is_local, open_file, write_atomic

if TYPE_CHECKING:
    from upath import UPath

_STORE = "embeddings"
_FINGERPRINT = re.compile("[0-9a-f]{64}")


class Kind(StrEnum):
    """Reason why something is not needed."""

    ENCODER = "embeddings of encoders that no model uses"
    FINGERPRINT = "embeddings of earlier versions of an encoder"
    CLIPS = "embeddings of clips that are no longer there"
    MODEL = "tables of models that are not turned on"


@dataclass(frozen=True)
class Listed:
    """A clip as listed under the audio root: checksum and size in bytes."""

    checksum: str
    size: int


@dataclass(frozen=True)
class Unneeded:
    """Something that can be removed.

    Attributes
    ----------
    kind
        Reason why it is not needed.
    folder
        Folder that holds it.
    files
        Names of the files to delete whole, or to rewrite without ``rows``.
    clips
        Number of embeddings to remove; 0 for tables.
    size
        Bytes, an estimate for files that are kept in part.
    rows
        SHA-256 of the clips whose rows are removed; empty where whole files are removed.
    """

    kind: Kind
    folder: UPath
    files: tuple[str, ...]
    clips: int
    size: int
    rows: frozenset[str] = frozenset()


def unneeded_embeddings(
    root: UPath,
    current: Mapping[str, str | None],
    listed: Collection[Listed],
    warn: Callable[[str], None],
) -> Iterator[Unneeded]:
    """List what can be removed from the embedding store.

    Parameters
    ----------
    root
        Results root.
    current
        Fingerprint by encoder in use; None where unknown, which keeps everything of the encoder.
    listed
        All clips under the audio root, whichever model reads them.
    warn
        Called with a message for each damaged shard, which is left as it is.

    Raises
    ------
    ResultsError, StorageError
        If the store cannot be read.
    """
    for encoder in _entries(root / _STORE)[1]:
        if encoder in current and current[encoder] is None:
            continue
        for fingerprint in filter(_FINGERPRINT.fullmatch, _entries(root / _STORE / encoder)[1]):
            folder = root / _STORE / encoder / fingerprint
            if current.get(encoder) == fingerprint:
                yield from _unneeded_clips(folder, encoder, fingerprint, listed, warn)
                continue
            sizes, _ = _entries(folder)
            keys = {str(key) for name in filter(is_shard, sizes) for key in _keys(folder / name)}
            kind = Kind.FINGERPRINT if encoder in current else Kind.ENCODER
            if sizes:
                yield Unneeded(kind, folder, tuple(sizes), len(keys), sum(sizes.values()))


def unneeded_tables(
    root: UPath, tables: Collection[str], models: Collection[str]
) -> Iterator[Unneeded]:
    """List the tables of models that are not turned on.

    Parameters
    ----------
    root
        Results root.
    tables
        Names of all tables.
    models
        Models that are turned on.
    """
    for table in sorted(tables):
        for model in _entries(root / table)[1]:
            folder = root / table / model
            # The table of embeddings lies beside the folders of the store.
            sizes = {name: size for name, size in _entries(folder)[0].items() if is_shard(name)}
            if model not in models and sizes:
                yield Unneeded(Kind.MODEL, folder, tuple(sizes), 0, sum(sizes.values()))


def remove(one: Unneeded, warn: Callable[[str], None]) -> None:
    """Remove something unneeded; files that are gone already are ignored.

    Raises
    ------
    ResultsError, StorageError
        If a file cannot be written or deleted.
    """
    if one.rows:
        _remove_rows(one, warn)
        return
    for name in one.files:
        _delete(one.folder / name)
    if is_local(one.folder):
        try:
            os.rmdir(one.folder.path)
        except OSError:
            # Something else lies there, which is not ours to delete.
            pass


def _unneeded_clips(
    folder: UPath,
    encoder: str,
    fingerprint: str,
    listed: Collection[Listed],
    warn: Callable[[str], None],
) -> Iterator[Unneeded]:
    sizes, _ = _entries(folder)
    rows_of: dict[str, list[tuple[str, str, int]]] = {}
    for name in sizes:
        if is_shard(name) or is_index(name):
            shard = _read(folder / name, INDEX_COLUMNS, encoder, fingerprint, warn)
            if shard is not None:
                columns = [shard.table[column].to_pylist() for column in INDEX_COLUMNS[:3]]
                rows_of[name] = list(zip(*columns, strict=True))
    needed = _needed({row for rows in rows_of.values() for row in rows}, listed)
    files, gone, size = [], set(), 0
    for name, rows in rows_of.items():
        out = [key for key, _, _ in rows if key not in needed]
        if out:
            files.append(name)
            gone |= set(out)
            size += sizes[name] * len(out) // len(rows)
    if files:
        yield Unneeded(Kind.CLIPS, folder, tuple(files), len(gone), size, frozenset(gone))


def _needed(rows: Collection[tuple[str, str, int]], listed: Collection[Listed]) -> set[str]:
    """SHA-256 of the clips that are, or may be, listed.

    The same bytes have another checksum in a bucket than in a folder. For a listed clip that no row
    matches, all rows of its size are kept, since it may be any of them.
    """
    shown = {(clip.checksum, clip.size) for clip in listed}
    known = {(checksum, size) for _, checksum, size in rows}
    sizes = {
        size
        for checksum, size in shown
        if not checksum.startswith("sha256:") and (checksum, size) not in known
    }
    return {
        key
        for key, checksum, size in rows
        if (checksum, size) in shown or (f"sha256:{key}", size) in shown or size in sizes
    }


def _remove_rows(one: Unneeded, warn: Callable[[str], None]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    encoder, fingerprint = one.folder.parent.name, one.folder.name
    store = EmbeddingStore(one.folder.parents[2], encoder, fingerprint, warn=warn)
    # A merge would write the removed rows again.
    claim = store.claim("merge")
    if claim is None:
        raise ResultsError(
            f"Another process is merging the shards of {one.folder}", "Try again in a minute."
        )
    gone = pa.array(sorted(one.rows), pa.string())
    try:
        for name in one.files:
            path = one.folder / name
            shard = _read(path, None, encoder, fingerprint, warn)
            if shard is None:
                continue
            stays = shard.table.filter(pc.invert(pc.is_in(shard.table["sha256"], value_set=gone)))
            stays = stays.replace_schema_metadata()
            if len(stays):
                new = shard_name(stays) if is_shard(name) else index_name(stays)
                embedded = shard.embedded - (len(shard.table) - len(stays))
                embedded = max(embedded, len(stays)) if is_shard(name) else 0
                write_atomic(one.folder / new, shard_bytes(stays, encoder, fingerprint, embedded))
                if new == name:
                    continue
            _delete(path)
            claim.renew()
    finally:
        claim.release()


def _read(
    path: UPath,
    columns: list[str] | None,
    encoder: str,
    fingerprint: str,
    warn: Callable[[str], None],
) -> Shard | None:
    try:
        return read_shard(path, columns, encoder, fingerprint)
    except FileNotFoundError:
        return None
    except DamagedShardError as damage:
        warn(f"{path} is damaged and left as it is: {damage}. The next run sets it aside.")
        return None


def _keys(path: UPath) -> list[str]:
    """Clips of a shard to delete whole, in any format; none if it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_file(path) as file:
            table = pq.ParquetFile(file).read(columns=["sha256"], use_threads=False)
            return [str(key) for key in table["sha256"].to_pylist()]
    except (pa.ArrowException, OSError, LookupError, ValueError):
        # It is only counted.
        return []


def _delete(path: UPath) -> None:
    try:
        delete_file(path)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be deleted: {error}",
            "Check that you may write there. Files removed so far are gone; the others are valid.",
        ) from error


def _entries(folder: UPath) -> tuple[dict[str, int], list[str]]:
    """Size in bytes by file, and the names of the folders, in a folder; hidden ones left out."""
    if not is_local(folder):
        listed = [(e.name, e.is_folder, e.size) for e in bucket.list_folder(folder)]
    else:
        try:
            with os.scandir(folder.path) as entries:
                listed = [(e.name, e.is_dir(), e.stat().st_size) for e in entries]
        except FileNotFoundError:
            listed = []
        except OSError as error:
            raise ResultsError(
                f"{folder} cannot be listed: {error}", "Check that you may read there."
            ) from error
    shown = sorted(entry for entry in listed if not entry[0].startswith("."))
    files = {name: size for name, is_folder, size in shown if not is_folder}
    return files, [name for name, is_folder, _ in shown if is_folder]
