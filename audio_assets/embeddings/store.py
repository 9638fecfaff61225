"""The embedding store: append-only Parquet shards under ``embeddings/{encoder}/{fingerprint}/``.

A shard is immutable, readable alone, and named by the clips in it, so that two writers of the same
clips write the same file and two writers of different clips never collide. A row is keyed by the
SHA-256 of the clip's bytes; the listing's checksum and size are kept beside it, so that a clip
known by its listing need not be read again. A bucket lists other checksums than the folder that the
clips came from: when a clip proves to be stored already, an index beside the shards records its
listed checksum and size. Indexes are few and not merged. Unusable clips are not stored: whether a
clip is usable depends on settings, an embedding does not.

Any number of processes may read and write one store. A shard is deleted only when a merged one that
holds its rows is in place. A damaged one is renamed, and its clips are then missing from the store.
The format of a shard belongs in :mod:`audio_assets.embeddings.shards`.

A row records the reading version that made it. A row of an earlier version may cover only a part of
the audio, so it counts only if an index says that the same duration is read today; otherwise a row
of the present version replaces it. Of two rows of the present version the one with windows counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from audio_assets.embeddings.clip_rows import (
    COLUMNS,
    INDEX_COLUMNS,
    SUMMARY_COLUMNS,
    ListedContent,
    StoredClip,
    StoredWindows,
    index_table,
    shard_table,
    stored_clip,
    stored_windows,
)
from audio_assets.embeddings.merging import newest_rows, small_shards
from audio_assets.embeddings.shards import (
    DamagedShardError,
    Shard,
    has_windows,
    index_name,
    is_index,
    is_shard,
    read_shard,
    set_aside,
    shard_bytes,
    shard_name,
)
from audio_assets.embeddings.store_view import IndexRow, StoreView, index_rows, listed_digest
from audio_assets.embeddings.window_rows import SCORES, WINDOW_COLUMNS
from audio_assets.errors import ResultsError
from audio_assets.objects.claims import Claim, Claims
from audio_assets.objects.files import delete_file, file_names, write_atomic

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath


class EmbeddingStore:
    """Embeddings of one encoder fingerprint.

    Parameters
    ----------
    root
        Results root.
    encoder, fingerprint
        Key of the store.
    warn
        Called with a message for each shard that was set aside.
    need_windows
        Whether a clip for which an earlier version stored only the mean counts as not stored, so
        that it is embedded again.
    """

    def __init__(
        self,
        root: UPath,
        encoder: str,
        fingerprint: str,
        *,
        warn: Callable[[str], None],
        need_windows: bool = False,
    ) -> None:
        self.encoder = encoder
        self.fingerprint = fingerprint
        self.folder = root / "embeddings" / encoder / fingerprint
        self._warn = warn
        self._need_windows = need_windows
        self._claims = Claims(self.folder)
        # By shard or index: its clips, and the embeddings computed for it.
        self._rows: dict[str, list[IndexRow]] = {}
        self._embedded: dict[str, int] = {}
        self._windows: dict[str, int] = {}
        self._view = StoreView()

    def refresh(self) -> None:
        """Read the clips of new shards and indexes; forget shards and indexes that are gone.

        Raises
        ------
        ResultsError
            If a shard cannot be read. A damaged one is set aside instead.
        """
        complete = False
        while not complete:
            listed = {name for name in file_names(self.folder) if is_shard(name) or is_index(name)}
            gone = self._rows.keys() - listed
            self._forget(gone)
            # A shard that is gone was merged into one that this listing may not have shown yet.
            complete = not gone
            for name in sorted(listed - self._rows.keys()):
                try:
                    shard = self._load(name, SUMMARY_COLUMNS if is_shard(name) else INDEX_COLUMNS)
                except FileNotFoundError:
                    complete = False
                else:
                    if shard is not None:
                        self._index(name, shard.table, shard.embedded)

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and self._is_usable(bytes.fromhex(sha256))

    def _is_usable(self, sha256: bytes) -> bool:
        view = self._view
        name = view.shard_of.get(sha256)
        if name is None or sha256 not in view.confirmed:
            return False
        return has_windows(name) or not self._need_windows

    def __len__(self) -> int:
        return len(self._view.shard_of)

    def heard(self, sha256: str) -> float | None:
        """Seconds of a stored clip that may not be its whole duration, or None.

        It is in the store once :meth:`note` has confirmed it, or :meth:`append` replaced it.
        """
        # Earlier reading versions stored only means.
        return None if self._need_windows else self._view.doubtful.get(bytes.fromhex(sha256))

    def sha256_of(self, checksum: str, size: int) -> str | None:
        """SHA-256 of the stored clip that the listing showed with this checksum and size."""
        found = self._view.sha256_of.get(listed_digest(checksum, size))
        # An index may name a clip whose shard proved damaged.
        return found.hex() if found is not None and self._is_usable(found) else None

    def repeats(self) -> int:
        """Number of embeddings that were computed although the store had them already.

        Merging shards preserves the count. It excludes the work that a killed process lost, at most
        one shard and the clips being encoded, and clips that an earlier version had not read whole.
        """
        again = {row.sha256 for rows in self._rows.values() for row in rows if row.is_again}
        return sum(self._embedded.values()) - len(self) - len(again)

    def append(self, clips: Sequence[StoredClip]) -> None:
        """Write a shard of clips that are not in the store yet; known ones are left out.

        Raises
        ------
        ResultsError
            If the shard cannot be written.
        """
        new = list({clip.sha256: clip for clip in clips if clip.sha256 not in self}.values())
        if new:
            table = shard_table(new)
            self._write(shard_name(table), table, len(new))

    def note(self, listed: Sequence[ListedContent]) -> None:
        """Write an index of the listed checksums and sizes of stored clips; skip known rows.

        Raises
        ------
        ResultsError
            If the index cannot be written.
        """
        new = [row for row in listed if self.sha256_of(row.checksum, row.size) != row.sha256]
        if new:
            table = index_table(new)
            self._write(index_name(table), table, 0)

    def read(self, keys: Iterable[str], classes: Sequence[int] = ()) -> Iterator[StoredClip]:
        """Read stored clips shard by shard, without those whose shard proves damaged or gone.

        The clips left out are no longer in the store, so embedding them again repairs the store.

        Parameters
        ----------
        keys
            SHA-256 of clips.
        classes
            Indices of the class scores to read; with none, ``class_scores`` is None. Reading all
            of them would cost 26 kB per clip for BirdNET.

        Yields
        ------
        StoredClip
            One per key. Its arrays keep the shard in memory.

        Raises
        ------
        ResultsError
            If a shard cannot be read.
        """
        columns = [*COLUMNS, SCORES] if classes else COLUMNS
        for table, row in self._rows_of(keys, columns):
            yield stored_clip(table, row, classes)

    def without_windows(self, keys: Iterable[str]) -> list[str]:
        """Stored clips for which an earlier version stored only the mean of the windows."""
        shard_of = self._view.shard_of
        return [
            key
            for key in dict.fromkeys(keys)
            if (name := shard_of.get(bytes.fromhex(key))) is not None and not has_windows(name)
        ]

    def read_windows(self, keys: Iterable[str]) -> Iterator[StoredWindows]:
        """Read the windows of stored clips shard by shard, as :meth:`read` does for the means.

        Parameters
        ----------
        keys
            SHA-256 of clips. All of them that are stored must have windows; see
            :meth:`without_windows`.

        Yields
        ------
        StoredWindows
            One per key that is stored. Its arrays keep the shard in memory.

        Raises
        ------
        ResultsError
            If a clip is stored without its windows, in which case nothing is yielded, or a shard
            cannot be read.
        """
        wanted = set(keys)
        lacking = self.without_windows(wanted)
        if lacking:
            raise ResultsError(
                f"The embedding store {self.folder} has the mean alone of {len(lacking)} of "
                f"{len(wanted)} clips, which an earlier version embedded, and not their windows: "
                f"{', '.join(sorted(lacking)[:3])}{', ...' if len(lacking) > 3 else ''}",
                "Embed these clips again with `audio-assets embed --windows`, or leave them out.",
            )
        for table, row in self._rows_of(wanted, ["sha256", *WINDOW_COLUMNS]):
            yield stored_windows(table, row)

    def _rows_of(self, keys: Iterable[str], columns: list[str]) -> Iterator[tuple[pa.Table, int]]:
        wanted = {bytes.fromhex(key) for key in keys}
        complete = False
        while wanted and not complete:
            complete = True
            shard_of = self._view.shard_of
            for name in sorted({shard_of[key] for key in wanted if key in shard_of}):
                try:
                    shard = self._load(name, columns)
                except FileNotFoundError:
                    complete = False
                    shard = None
                if shard is None:
                    self._forget({name})
                    continue
                for row, key in enumerate(shard.table["sha256"].to_pylist()):
                    digest = bytes.fromhex(str(key))
                    # A shard may hold a row that one in another shard replaces.
                    if digest in wanted and shard_of.get(digest) == name:
                        wanted.remove(digest)
                        yield shard.table, row
            if not complete:
                # Another process merged shards: their rows are in a new one.
                self.refresh()

    def claim(self, work: str) -> Claim | None:
        """Claim a piece of work, so that no other process on this store does it meanwhile.

        See :mod:`audio_assets.objects.claims` for the guarantees of a claim.

        Parameters
        ----------
        work
            Name of the piece, a valid file name.

        Returns
        -------
        Claim or None
            None if another holds it.

        Raises
        ------
        ResultsError
            If the store cannot be written to.
        """
        try:
            return self._claims.take(work)
        except OSError as error:
            raise ResultsError(
                f"The embedding store {self.folder} cannot be written to: {error}",
                "Check that there is room and that you may write there.",
            ) from error

    def remove_abandoned_claims(self) -> None:
        """Remove the claims that killed processes left in a local store, as far as possible."""
        # A claim that stays is an empty file. All clips are stored, perhaps in a folder that this
        # process may only read, so it is no reason to fail.
        with suppress(OSError):
            self._claims.remove_abandoned()

    @property
    def poll_seconds(self) -> float:
        """Seconds to wait before trying again to claim work that another process holds."""
        return self._claims.poll_seconds

    def merge_small(self) -> int:
        """Merge shards with few clips if there are many of them.

        The merged shard is in place before the others are deleted, so a process that is killed in
        between leaves copies and loses nothing. A reader that has indexed the others finds it.

        Returns
        -------
        int
            Shards merged.

        Raises
        ------
        ResultsError
            If the merged shard cannot be written, or a shard cannot be read.
        """
        merged = 0
        for small in small_shards(self._rows, self._windows):
            claim = self.claim("merge")
            if claim is not None:
                try:
                    merged += self._merge(small)
                finally:
                    claim.release()
        return merged

    def _merge(self, names: list[str]) -> int:
        shards: dict[str, Shard] = {}
        for name in names:
            try:
                shard = self._load(name, None)
            except FileNotFoundError:
                shard = None
            if shard is None:
                self._forget({name})
            else:
                shards[name] = shard
        if len(shards) < 2:
            return 0
        table = newest_rows(shard.table for shard in shards.values())
        merged = shard_name(table)
        self._write(merged, table, sum(shard.embedded for shard in shards.values()))
        # The merged shard has the name of one of them if that one held all the clips.
        replaced = shards.keys() - {merged}
        for name in sorted(replaced):
            delete_file(self.folder / name)
        self._forget(replaced)
        return len(shards)

    def _write(self, name: str, table: pa.Table, embedded: int) -> None:
        data = shard_bytes(table, self.encoder, self.fingerprint, embedded)
        write_atomic(self.folder / name, data)
        self._forget({name} & self._rows.keys())
        self._index(name, table, embedded)

    def _load(self, name: str, columns: list[str] | None) -> Shard | None:
        """The shard, or None if it was damaged and has been set aside."""
        path = self.folder / name
        try:
            return read_shard(path, columns, self.encoder, self.fingerprint)
        except DamagedShardError as damage:
            aside = set_aside(path)
            self._warn(
                f"The shard {path} of the embedding store is damaged: {damage}. "
                f"It was set aside as {aside}; its clips are "
                f"{'embedded' if is_shard(name) else 'read'} again."
            )
            return None

    def _index(self, name: str, table: pa.Table, embedded: int) -> None:
        rows = index_rows(table)
        self._rows[name] = rows
        self._embedded[name] = embedded
        if has_windows(name):
            self._windows[name] = sum(count or 0 for count in table["windows"].to_pylist())
        self._view.add(name, rows)

    def _forget(self, names: Collection[str]) -> None:
        if not names:
            return
        for name in names:
            self._rows.pop(name, None)
            self._embedded.pop(name, None)
            self._windows.pop(name, None)
        # A new one, since threads of the encoder loop look into the old one.
        view = StoreView()
        for name, rows in self._rows.items():
            view.add(name, rows)
        self._view = view
