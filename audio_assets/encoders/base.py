"""The interface of an encoder, on which the rest of the package relies.

Encoders themselves belong in modules beside this one, one per family.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """An encoder's output for a batch of windows.

    Attributes
    ----------
    embeddings
        float32[n, d].
    class_scores
        float32[n, c], the encoder's own class scores in the order of ``classes`` (raw model output,
        higher means more likely), or None for an encoder without classes.
    """

    embeddings: NDArray[np.float32]
    class_scores: NDArray[np.float32] | None = None


@runtime_checkable
class Encoder(Protocol):
    """Turns windows of audio into embeddings.

    An encoder is used from one thread at a time; :attr:`fingerprint` and the other attributes are
    available without loading weights into memory, so that a fully cached partition stays cheap.

    Attributes
    ----------
    name
        Key of the encoder in the registry and in the embedding store.
    sample_rate
        Hz that windows must have.
    window_seconds
        Length of a window in seconds.
    dimension
        Length d of an embedding.
    classes
        Labels of ``class_scores`` in order, or None.
    fingerprint
        SHA-256 (64 hex digits) over weights, preprocessing parameters and the library versions that
        change numbers: the cache key of the embedding store.
    """

    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def window_seconds(self) -> float: ...
    @property
    def dimension(self) -> int: ...
    @property
    def classes(self) -> tuple[str, ...] | None: ...
    @property
    def fingerprint(self) -> str: ...

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        """Embed windows.

        Parameters
        ----------
        windows
            float32[n, samples] with samples = round(sample_rate * window_seconds). Full scale is 1;
            clips from float files may exceed it.
        """
        ...
