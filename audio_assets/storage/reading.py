"""Reading clips as they were listed.

A clip that was changed between listing and reading would get the row of another; it is an error
that the next run mends, never a clip in quarantine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from audio_assets.errors import TransientStorageError
from audio_assets.storage import bucket
from audio_assets.storage.bucket_requests import ChangedError
from audio_assets.storage.files import is_local, read_file
from audio_assets.storage.links import Inside

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath


def clip_reader(root: UPath, inventory: pd.DataFrame) -> Callable[[str], bytes]:
    """What reads the clips of an inventory; may be called from several threads at once.

    Parameters
    ----------
    root
        Audio root.
    inventory
        Table ``audio_inventory`` of a species.

    Returns
    -------
    callable
        Bytes by URI: only those that were listed, by generation and checksum. An OSError says that
        a local file cannot be read, and could not be when it was listed; a LeadsOutError, that it
        is behind a link that leads out of the root.

    Raises
    ------
    TransientStorageError
        By what is returned: if the clip was changed or removed after it was listed, or the place
        where it lies does not give it for now.
    StorageError
        By what is returned: if it may not be read.
    """
    from upath import UPath

    columns = (inventory[name].tolist() for name in ("uri", "generation", "checksum"))
    listed = {
        uri: (generation, checksum) for uri, generation, checksum in zip(*columns, strict=True)
    }
    options = root.storage_options
    inside = Inside(root)

    def read(uri: str) -> bytes:
        path = UPath(uri, **options)
        generation, checksum = listed[uri]
        if is_local(path):
            return _read_local(path, checksum, inside)
        try:
            return bucket.read(path, generation=int(generation), checksum=checksum)
        except (ChangedError, FileNotFoundError) as error:
            gone = "removed" if isinstance(error, FileNotFoundError) else "changed"
        raise TransientStorageError(
            f"{uri} was {gone} after it was listed",
            "Run again; the audio is listed first.",
        )

    return read


def _read_local(path: UPath, checksum: str, inside: Inside) -> bytes:
    # A disk that was away for a moment would leave its clips in quarantine for good: the listing
    # stays what it was, so nothing would be made anew.
    listed = checksum.startswith("sha256:")
    try:
        # A link may have taken the clip's place since it was listed.
        inside.require(path.path)
        data = read_file(path)
    except OSError as error:
        if not listed:
            raise
        raise TransientStorageError(
            f"{path} cannot be read, and could be when it was listed: {error}",
            "See that its disk is there and run again. If it is the file that is damaged, move it "
            "away or put another in its place.",
        ) from error
    if listed and hashlib.sha256(data).hexdigest() != checksum.removeprefix("sha256:"):
        raise TransientStorageError(
            f"{path} was changed after it was listed",
            "Run again; the audio is listed first.",
        )
    return data
