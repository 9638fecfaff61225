"""Import librosa with its compiled kernels cached where this process can write.

When librosa is imported, numba compiles some of its functions, which takes a quarter of a minute,
and caches them beside librosa or in the user's cache folder. If neither is writable (a read-only
installation, a user without a home), numba refuses, and the import fails.
"""

from __future__ import annotations

import stat
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from audio_assets.errors import AudioAssetsError
from audio_assets.objects.systems import user_id


@cache
def import_librosa() -> Any:
    """Import librosa, with a temporary folder for its kernels if numba finds no other.

    Raises
    ------
    AudioAssetsError
        If there is no temporary folder either.
    """
    import numba

    # The target of NUMBA_CACHE_DIR; untyped in numba, because it is filled at import.
    config: Any = numba.config
    if not _numba_finds_a_folder():
        config.CACHE_DIR = str(_temporary_folder())
    import librosa

    return librosa


def _numba_finds_a_folder() -> bool:
    """Return whether numba can cache the compiled functions of every folder of librosa."""
    import numba

    spec = find_spec("librosa")
    if spec is None or spec.origin is None:
        return True
    for file in Path(spec.origin).parent.rglob("__init__.py"):
        # A function that seems to be in that file: numba searches for the folder when it decorates,
        # and this function is never compiled.
        names: dict[str, Any] = {}
        exec(compile("def function(): pass", str(file), "exec"), names)
        try:
            numba.njit(cache=True)(names["function"])
        except RuntimeError:
            return False
    return True


def _temporary_folder() -> Path:
    """Return a folder that later processes of this user will find again.

    numba unpickles its content, so it must belong to this user and be closed to all others. An
    existing folder of that name that does not qualify is left alone, and a new folder is created
    for this process only.
    """
    try:
        user = user_id()
        if user is None:
            # Closed to other users by where it lies.
            folder = Path(tempfile.gettempdir()) / "audio-assets-numba"
            folder.mkdir(exist_ok=True)
            return folder
        folder = Path(tempfile.gettempdir()) / f"audio-assets-numba-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        own = stat.S_ISDIR(found.st_mode) and found.st_uid == user
        if own and not found.st_mode & 0o077:
            return folder
        return Path(tempfile.mkdtemp(prefix="audio-assets-numba-"))
    except OSError as error:
        raise AudioAssetsError(
            f"there is no place for librosa's compiled functions: {error}",
            "Set NUMBA_CACHE_DIR to a writable folder, or make /tmp writable.",
        ) from error
