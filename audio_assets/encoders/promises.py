"""Check the promises of :class:`audio_assets.encoders.base.Encoder` that types cannot express.

Each check returns the fault in words, or None. Naming the encoder and the remedy belongs in
:mod:`audio_assets.models.registry`.
"""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from reprlib import repr as short

import numpy as np

from audio_assets.encoders.base import Encoded, Encoder

PROCESSOR_TOLERANCE = 1e-5
"""Largest distance between two kinds of processors in the embedding or class scores of one window,
relative to their length.

On processors of one kind, all bits are equal. Different kinds add in a different order, in
TensorFlow, in XNNPACK and in numpy's BLAS: instruction sets from SSE4.1 to AVX-512 differ by up to
2e-6. The fingerprint does not distinguish them, because no visible result changes.
"""

_FINGERPRINT = re.compile("[0-9a-f]{64}")


def fingerprint_fault(encoder: Encoder) -> str | None:
    """Return the fault of the fingerprint, which names a folder and must be unique, or None."""
    found: object = encoder.fingerprint
    if isinstance(found, str) and _FINGERPRINT.fullmatch(found):
        return None
    return f"its fingerprint {short(found)} is not 64 hex digits (0-9, a-f)"


def size_fault(encoder: Encoder) -> str | None:
    """Return the fault of the sizes of windows and embeddings, or None."""
    for name, value in (("sample_rate", encoder.sample_rate), ("dimension", encoder.dimension)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            return f"its {name} {short(value)} is not a positive int"
    seconds: object = encoder.window_seconds
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not math.isfinite(seconds):
        return f"its window_seconds {short(seconds)} is not a finite number"
    if round(encoder.sample_rate * float(seconds)) < 1:
        return f"its window_seconds {short(seconds)} has no sample at {encoder.sample_rate} Hz"
    return None


def output_fault(encoded: object, encoder: Encoder, count: int) -> str | None:
    """Return the fault in the result of ``encode`` for ``count`` windows, or None."""
    if not isinstance(encoded, Encoded):
        return f"a {type(encoded).__name__}, not an Encoded"
    classes = None if encoder.classes is None else len(encoder.classes)
    expected: list[tuple[str, object, int | None]] = [
        ("embeddings", encoded.embeddings, encoder.dimension),
        ("class scores", encoded.class_scores, classes),
    ]
    for what, values, size in expected:
        if values is None and size is None:
            continue
        if values is not None and not isinstance(values, np.ndarray):
            return f"{what} as a {type(values).__name__}, not an array"
        shape = None if size is None else (count, size)
        found = None if values is None else values.shape
        if values is None or found != shape:
            return f"{what} of shape {found} instead of {shape}"
        if values.dtype.kind not in "fiu":
            return f"{what} of type {values.dtype} instead of float32"
        # As they are stored: a value that is finite as float64 need not be finite as float32.
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32, copy=False))
        if not finite.all():
            return f"{what} that are not finite"
    return None
