"""What :class:`audio_assets.encoders.base.Encoder` promises and types cannot say, as checks.

Each gives what is wrong in words, or None. Who is to blame, and what to do about it, is said in
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
"""Largest distance between what two kinds of processors make of one window, in embeddings and in
class scores, relative to their length.

On processors of one kind, all bits are equal. Other kinds add in another order, in TensorFlow, in
XNNPACK and in numpy's BLAS: instruction sets from SSE4.1 to AVX-512 differ by up to 2e-6. The
fingerprint does not tell them apart, as no result changes that anybody could see.
"""

_FINGERPRINT = re.compile("[0-9a-f]{64}")


def fingerprint_fault(encoder: Encoder) -> str | None:
    """What is wrong with the fingerprint: it names a folder, and two must never be the same."""
    found: object = encoder.fingerprint
    if isinstance(found, str) and _FINGERPRINT.fullmatch(found):
        return None
    return f"its fingerprint {short(found)} is not 64 hex digits (0-9, a-f)"


def size_fault(encoder: Encoder) -> str | None:
    """What is wrong with the sizes of windows and embeddings."""
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
    """What is wrong with what ``encode`` gave for ``count`` windows."""
    if not isinstance(encoded, Encoded):
        return f"a {type(encoded).__name__} and no Encoded"
    classes = None if encoder.classes is None else len(encoder.classes)
    expected: list[tuple[str, object, int | None]] = [
        ("embeddings", encoded.embeddings, encoder.dimension),
        ("class scores", encoded.class_scores, classes),
    ]
    for what, values, size in expected:
        if values is None and size is None:
            continue
        if values is not None and not isinstance(values, np.ndarray):
            return f"{what} as a {type(values).__name__} and no array"
        shape = None if size is None else (count, size)
        found = None if values is None else values.shape
        if values is None or found != shape:
            return f"{what} of shape {found} instead of {shape}"
        if values.dtype.kind not in "fiu":
            return f"{what} of type {values.dtype} instead of float32"
        # As they are stored: what is finite as float64 need not be so as float32.
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32, copy=False))
        if not finite.all():
            return f"{what} that are not finite"
    return None
