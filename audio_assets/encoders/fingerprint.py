"""The fingerprint of an encoder, which must be equal for two embeddings to be comparable.

It is the cache key of the embedding store and a column of every published table. Library versions
are read from their metadata, so that computing a fingerprint imports none of the libraries.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from audio_assets.audio.resample import RESAMPLER
from audio_assets.audio.windows import WINDOW_RULE
from audio_assets.objects.checksums import file_digest

# Libraries between the bytes of a clip and the windows of every encoder. The wheel of soundfile
# contains libsndfile, so its version represents the decoders.
_AUDIO_LIBRARIES = ("numpy", "soundfile", "soxr")

# Raised by hand when the code from bytes to windows, or the averaging of windows, changes numbers.
_PIPELINE_VERSION = 1


def encoder_fingerprint(
    name: str,
    *,
    weights: Mapping[str, str],
    preprocessing: Mapping[str, str | int | float | bool | None],
    libraries: Iterable[str],
) -> str:
    """Compute the SHA-256 of everything that determines an encoder's numbers.

    Parameters
    ----------
    name
        Name of the encoder.
    weights
        SHA-256 of each file of weights, labels included; empty for an encoder without weights.
    preprocessing
        Every parameter between samples and embedding, sample rate (Hz) and window (s) included.
    libraries
        Distributions whose versions change numbers, besides those that read audio.

    Returns
    -------
    str
        64 hex digits, independent of the order of the mappings.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If a library is not installed.
    """
    content = {
        "encoder": name,
        "weights": dict(weights),
        "preprocessing": dict(preprocessing),
        "pipeline": _PIPELINE_VERSION,
        "channels": "mean",
        "resampler": RESAMPLER,
        "windows": WINDOW_RULE,
        "over_windows": "mean of embeddings, maximum of class scores",
        "libraries": {name: version(name) for name in {*_AUDIO_LIBRARIES, *libraries}},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; see :func:`file_digest`."""
    return file_digest(path, "sha256")
