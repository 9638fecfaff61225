"""Reading clips as they were listed.

A clip that was changed between listing and reading would get the row of another; it is an error
that the next run mends, never a clip in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from audio_assets.errors import TransientStorageError
from audio_assets.storage import bucket
from audio_assets.storage.bucket_requests import ChangedError
from audio_assets.storage.files import is_local, read_file

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
        Bytes by URI. From a bucket, only the generation that was listed, and bytes with its
        checksum. An OSError says that a local file cannot be read.

    Raises
    ------
    TransientStorageError
        By what is returned: if the object was changed or removed after it was listed, or the
        bucket does not give it for now.
    StorageError
        By what is returned: if it may not be read.
    """
    from upath import UPath

    columns = (inventory[name].tolist() for name in ("uri", "generation", "checksum"))
    listed = {
        uri: (generation, checksum) for uri, generation, checksum in zip(*columns, strict=True)
    }
    options = root.storage_options

    def read(uri: str) -> bytes:
        path = UPath(uri, **options)
        if is_local(path):
            return read_file(path)
        generation, checksum = listed[uri]
        if not generation:
            raise IsADirectoryError("a folder with the name of a sound file")
        try:
            return bucket.read(path, generation=int(generation), checksum=checksum)
        except (ChangedError, FileNotFoundError) as error:
            gone = "removed" if isinstance(error, FileNotFoundError) else "changed"
        raise TransientStorageError(
            f"{uri} was {gone} after it was listed",
            "Run again; the audio is listed first.",
        )

    return read
