"""A synthesized sound and the known embeddings of it by each encoder with its genuine weights.

Comparing with them detects a machine that computes something else, and weights that are not the
publisher's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.embeddings.batching import EncoderPool
from audio_assets.encoders.base import Encoder

# Relative to the norm of the embedding. Kernels for other CPUs differ by 1e-5.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Summary:
    """Summary of an embedding.

    Attributes
    ----------
    norm
        Euclidean length of the embedding.
    values
        Its values at eight evenly spaced positions, beginning with the first.
    """

    norm: float
    values: tuple[float, ...]


KNOWN: Mapping[str, Summary] = {
    "birdnet": Summary(
        22.314622,
        (0.631675, 0.934803, 0.078598, 0.732805, 1.74744, 0.272105, 1.314037, 1.717144),
    ),
}
"""Encoder -> the summary that its genuine weights gave when this version was made."""


def fixed_sound(sample_rate: int, seconds: float) -> NDArray[np.float32]:
    """A rising chirp from 200 Hz to 6 kHz with a beat of 4 Hz, at any rate; float32[samples]."""
    time = np.arange(round(sample_rate * seconds)) / sample_rate
    phase = 2 * np.pi * (200 * time + (6000 - 200) * time**2 / (2 * seconds))
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)
    return (0.3 * beat * np.sin(phase)).astype(np.float32)


def embed_fixed_sound(encoder: Encoder) -> Summary:
    """Embed one window of the fixed sound."""
    window = fixed_sound(encoder.sample_rate, encoder.window_seconds)
    encoded = EncoderPool(lambda: encoder).encode(window[None])
    embedding = encoded.embeddings[0].astype(np.float64)
    places = np.arange(8) * (encoder.dimension // 8)
    return Summary(
        round(float(np.linalg.norm(embedding)), 6),
        tuple(round(float(value), 6) for value in embedding[places]),
    )


def agrees(found: Summary, known: Summary) -> bool:
    """Return whether two summaries agree up to differences in rounding between machines."""
    pairs = zip((found.norm, *found.values), (known.norm, *known.values), strict=True)
    return all(abs(a - b) <= TOLERANCE * known.norm for a, b in pairs)
