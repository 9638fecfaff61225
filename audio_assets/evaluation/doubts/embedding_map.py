"""A map of clips: their embeddings projected on the two directions of largest variance.

Drawing the map belongs in :mod:`audio_assets.reporting.charts.embedding_map`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.scores.threads import one_blas_thread

# Far below what can be seen, far above what a sum in another order changes.
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Clips on a plane.

    Attributes
    ----------
    points
        float64[n, 2], scores of the first two principal components, in units of an embedding of
        length 1; 6 decimals.
    variance
        float64[2], share of the variance that lies along each; NaN where there is no variance.
    """

    points: NDArray[np.float64]
    variance: NDArray[np.float64]


def embedding_map(embeddings: ArrayLike) -> EmbeddingMap:
    """The first two principal components of embeddings of unit length.

    Of unit length, as the logistic head sees them, so that a distance on the map is at most the
    distance there. A component may point either way: of its loadings, the one of the largest
    magnitude is made positive, so that equal embeddings give equal maps.

    Parameters
    ----------
    embeddings
        float[n, d], finite, one row per clip. A row of zeros is not scaled.

    Raises
    ------
    ValueError
        If there is no row, or a value is not finite.
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(f"embeddings must be [clips, dimension], got shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("embeddings must be finite")
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0.0, length, 1.0)
    centred = unit - unit.mean(axis=0)
    with one_blas_thread():
        left, sizes, loadings = np.linalg.svd(centred, full_matrices=False)
    kept = min(2, len(sizes))
    peaks = np.abs(loadings[:kept]).argmax(axis=1)
    signs = np.where(loadings[np.arange(kept), peaks] < 0, -1.0, 1.0)
    points, variance = np.zeros((len(vectors), 2)), np.zeros(2)
    points[:, :kept] = left[:, :kept] * (sizes[:kept] * signs)
    total = float((sizes**2).sum())
    # What rounding leaves of equal rows is no variance.
    if total <= np.finfo(np.float64).eps * len(vectors):
        return EmbeddingMap(np.zeros_like(points), np.full(2, np.nan))
    variance[:kept] = sizes[:kept] ** 2 / total
    # Adding 0 turns -0 into 0.
    return EmbeddingMap(points.round(_DECIMALS) + 0.0, variance.round(_DECIMALS))
