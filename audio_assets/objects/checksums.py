"""Write checksums as in the inventory, ``{algorithm}:{hex digits}``, and compare them.

An object store lists an MD5, or only a CRC32C for composed objects. 32 bits alone collide, so a
CRC32C is followed by the size in twelve digits.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path


def listed_checksum(md5: str | None, crc32c: str | None, size: int) -> str:
    """Return the checksum of an object with these base64 digests and ``size`` bytes.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if md5:
        return "md5:" + base64.b64decode(md5).hex()
    if crc32c:
        return f"crc32c:{base64.b64decode(crc32c).hex()}{size:012x}"
    raise ValueError("the listing gives neither md5Hash nor crc32c")


def fits(checksum: str, data: bytes) -> bool:
    """Return whether ``data`` has this checksum.

    Raises
    ------
    ValueError
        If the algorithm is not known.
    """
    import google_crc32c

    algorithm = checksum.partition(":")[0]
    if algorithm == "md5":
        found = "md5:" + hashlib.md5(data, usedforsecurity=False).hexdigest()
    elif algorithm == "crc32c":
        found = f"crc32c:{google_crc32c.value(data):08x}{len(data):012x}"
    elif algorithm == "sha256":
        found = "sha256:" + hashlib.sha256(data).hexdigest()
    else:
        raise ValueError(f"unknown checksum {checksum!r}")
    return found == checksum


def file_digest(path: Path, algorithm: str) -> str:
    """Return the hex digest of a file; cached while its size and modification time are the same."""
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns, algorithm)
    if key not in _DIGESTS:
        with path.open("rb") as file:
            _DIGESTS[key] = hashlib.file_digest(file, algorithm).hexdigest()
    return _DIGESTS[key]


_DIGESTS: dict[tuple[str, int, int, str], str] = {}
