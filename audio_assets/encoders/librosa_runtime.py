"""librosa as the encoders use it: its compiled kernels kept where this process can write.

librosa has numba compile some of its functions as it is imported, which takes a quarter of a
minute, and keep them beside librosa or in the user's cache folder. Where neither can be written to
(an installation that is read-only, a user without a home), numba refuses, and with it the import.
"""

from __future__ import annotations

import os
import stat
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from audio_assets.errors import AudioAssetsError


@cache
def import_librosa() -> Any:
    """Import librosa; its kernels go to a temporary folder where numba finds no other.

    Raises
    ------
    AudioAssetsError
        If there is no temporary folder either.
    """
    import numba

    # What NUMBA_CACHE_DIR sets; untyped in numba, as it is filled at import.
    config: Any = numba.config
    if not _numba_finds_a_folder():
        config.CACHE_DIR = str(_temporary_folder())
    import librosa

    return librosa


def _numba_finds_a_folder() -> bool:
    """Whether numba can keep the compiled functions of every folder of librosa."""
    import numba

    spec = find_spec("librosa")
    if spec is None or spec.origin is None:
        return True
    for file in Path(spec.origin).parent.rglob("__init__.py"):
        # A function as it would be in that file: numba looks for the folder when it decorates, and
        # this one is never compiled.
        names: dict[str, Any] = {}
        exec(compile("def function(): pass", str(file), "exec"), names)
        try:
            numba.njit(cache=True)(names["function"])
        except RuntimeError:
            return False
    return True


def _temporary_folder() -> Path:
    """A folder that later processes of this user find again.

    numba unpickles what lies there, so it has to be this user's own and closed to all others; a
    folder of that name that is not is left alone, and one for this process alone is made.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"audio-assets-numba-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if own and not found.st_mode & 0o077:
            return folder
        return Path(tempfile.mkdtemp(prefix="audio-assets-numba-"))
    except OSError as error:
        raise AudioAssetsError(
            f"librosa's compiled functions can be kept nowhere: {error}",
            "Set NUMBA_CACHE_DIR to a folder that can be written to, or make /tmp writable.",
        ) from error
