"""Validation of single arguments of the public functions, with errors that name the argument.

Each check returns its value in the form that the evaluation computes with. Checks across several
arguments belong in the function that receives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.tables import LABELS, VARIANTS

LARGEST_SEED = 2**63 - 1
"""The column ``seed`` of the tables is int64."""


def whole_number(name: str, value: object, least: int, most: int | None = None) -> int:
    """Check that an argument is a whole number of at least ``least``, and not a bool.

    Raises
    ------
    ValueError
        It has another type or is out of range.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        number = int(value)
        if number >= least and (most is None or number <= most):
            return number
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise ValueError(f"{name} must be a whole number {limits}, got {value!r}")


def seed_number(value: object) -> int:
    """Check a base seed."""
    return whole_number("seed", value, 0, LARGEST_SEED)


def share(name: str, value: object) -> float:
    """Check that an argument lies between 0 and 1, both excluded."""
    if isinstance(value, Real) and not isinstance(value, bool) and 0.0 < float(value) < 1.0:
        return float(value)
    raise ValueError(f"{name} must be a number between 0 and 1, both excluded, got {value!r}")


def one_of(name: str, value: object, names: Iterable[str]) -> str:
    """Check that an argument is one of the given names."""
    known = list(names)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value


def size_list(sizes: object) -> list[int]:
    """Check training sizes: whole numbers of clips per class, 0 for the encoder's own score.

    Raises
    ------
    ValueError
        It is not a sequence, or a size is negative or not a whole number.
    """
    if isinstance(sizes, str | bytes) or not isinstance(sizes, Iterable):
        raise ValueError(
            f"sizes must be a sequence of training sizes, such as (4, 8, 16), got {sizes!r}"
        )
    requested = list(sizes)
    for size in requested:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise ValueError(
                "sizes must hold whole numbers of clips per class, 0 or more (0 is the encoder's "
                f"own score), got {size!r}"
            )
    return [int(size) for size in requested]


def embedding_matrix(embeddings: ArrayLike) -> NDArray[np.float64]:
    """Check embeddings and return them as finite float64[n, d]."""
    vectors = _as_array("embeddings", embeddings, "[n_clips, d]")
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise ValueError(f"embeddings must be [n_clips, d], got shape {vectors.shape}")
    if vectors.dtype.kind not in "fiu":
        raise ValueError(f"embeddings must be numbers, got {vectors.dtype}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ValueError(f"embeddings have NaN or infinite values, first in row {bad[0]}")
    return vectors


def label_array(
    labels: ArrayLike, clips: int | None = None, like: str = "embeddings"
) -> NDArray[np.int64]:
    """Check labels, numbers or names of classes, and return them as {0, 1}[n].

    Parameters
    ----------
    labels
        {0, 1}[n] or {"neg", "pos"}[n], but not both in one array.
    clips
        Their number, which must be that of ``like``; any by default.
    like
        Argument that has the same length, for the message.

    Raises
    ------
    ValueError
        They have another shape or length, or a label is none of these.
    """
    values = _as_array("labels", labels, "[n_clips]")
    _check_length("labels", values, clips, like)
    if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all():
        return values.astype(np.int64)
    given = values.tolist()
    known = LABELS if given and isinstance(given[0], str) else (0, 1)
    for row, label in enumerate(given):
        if not isinstance(label, bool | int | float | str) or label not in known:
            negative, positive = LABELS
            raise ValueError(
                f"labels must be 0 (negative) or 1 (positive), or {negative!r} or {positive!r}, "
                f"and all of one kind, got {label!r} in row {row}"
            )
    return np.array([known.index(label) for label in given], dtype=np.int64)


def name_array(
    name: str, values: ArrayLike, clips: int, like: str = "embeddings"
) -> NDArray[np.str_]:
    """Check names str[n] of recordings or clips; whole numbers count as names."""
    names = _as_array(name, values, "[n_clips]")
    _check_length(name, names, clips, like)
    # In a list with text, numpy turns NaN into the name "nan", so all clips without a recording
    # would form a single one.
    has_floats = isinstance(values, list | tuple) and any(isinstance(one, float) for one in values)
    if has_floats or (len(names) and not _are_names(names)):
        raise ValueError(f"{name} must be names (or whole numbers), and none may be empty")
    return names.astype(str)


def key_array(keys: ArrayLike, clips: int) -> NDArray[np.str_]:
    """Check the keys str[n] of clips.

    Raises
    ------
    ValueError
        They have the wrong shape or type, or two clips have the same key.
    """
    names = name_array("keys", keys, clips)
    key, times = Counter(names.tolist()).most_common(1)[0]
    if times > 1:
        first, second = np.flatnonzero(names == key)[:2]
        raise ValueError(
            f"keys must differ between clips, rows {first} and {second} both have {key!r}"
        )
    return names


def variant_array(variants: ArrayLike | None, clips: int, like: str) -> NDArray[np.str_]:
    """Check variants str[n]; all are ``data`` when left out."""
    if variants is None:
        return np.full(clips, VARIANTS[0])
    values = _as_array("variants", variants, "[n_clips]")
    _check_length("variants", values, clips, like)
    if not np.isin(values.astype(str), VARIANTS).all():
        raise ValueError(f"variants must be {' or '.join(VARIANTS)}")
    return values.astype(str)


def score_array(class_scores: ArrayLike, clips: int) -> NDArray[np.float64]:
    """Check the encoder's own scores and return them as finite float64[n]."""
    values = _as_array("class_scores", class_scores, "[n_clips]")
    _check_length("class_scores", values, clips, "embeddings")
    if values.dtype.kind not in "fiu":
        raise ValueError(f"class_scores must be numbers, got {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError("class_scores have NaN or infinite values")
    return values.astype(np.float64)


def _as_array(name: str, values: Any, shape: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array {shape}: {error}") from error


def _check_length(name: str, values: NDArray[Any], clips: int | None, like: str) -> None:
    if clips is None and values.ndim != 1:
        raise ValueError(f"{name} must be [n_clips], got shape {values.shape}")
    if clips is not None and values.shape != (clips,):
        raise ValueError(f"{name} must be [{clips}] like {like}, got shape {values.shape}")


def _are_names(values: NDArray[Any]) -> bool:
    if values.dtype.kind != "O":
        return values.dtype.kind in "iu" or (
            values.dtype.kind == "U" and bool((values != "").all())
        )
    return all(
        isinstance(value, str | int | np.integer) and not isinstance(value, bool) and value != ""
        for value in values.tolist()
    )
