"""Near-duplicate clips: the same sound in other bytes, detected by the cosine of embeddings.

Finding pairs and joining the recordings that share them belong here. The caller chooses the encoder
and how to use the joined recordings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import NEAR_DUPLICATES

if TYPE_CHECKING:
    import pandas as pd

# Cosines are computed in float32 blocks of this many numbers (16 MB), whatever the number of clips.
BLOCK = 2**22
# The float32 product is off by less than this; what is near the threshold is computed again.
_MARGIN = 1e-4
_DECIMALS = 6
_ROWS_AT_ONCE = 4096

LARGE_SHARE = 0.25
"""Share of a species' recordings in one joined group above which it is a warning."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def find_near_duplicates(embeddings: pd.DataFrame, *, species: str, above: float) -> pd.DataFrame:
    """Pairs of clips whose embeddings are more similar than a threshold.

    For a group of clips that are all alike, only the fewest pairs that connect them are listed: n -
    1 pairs for n clips. Pairs with contradictory labels have priority, then pairs of different
    recordings, then the most similar; so every clip with a near-duplicate under the other label is
    in a pair that shows it.

    Parameters
    ----------
    embeddings
        Table of :data:`audio_assets.tables.EMBEDDINGS`; clips that are not ``ok`` are left out.
    species
        Written into the rows.
    above
        Cosine that a pair must exceed, after rounding to 6 decimals.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.NEAR_DUPLICATES`, by clip_id_a and clip_id_b.
    """
    import pandas as pd

    columns = list(NEAR_DUPLICATES.column_names)
    clips = embeddings[embeddings["status"] == "ok"].sort_values(["sha256", "clip_id"])
    clips = clips.reset_index(drop=True)
    if len(clips) < 2:
        return pd.DataFrame(columns=columns)
    first, second, cosine = _fewest_pairs(
        np.stack(clips["embedding"].tolist()),
        clips["label"].to_numpy(dtype=str),
        clips["recording_id"].to_numpy(dtype=str),
        above,
    )
    named = {
        side: clips.iloc[rows][["clip_id", "label", "recording_id"]].to_dict("list")
        for side, rows in (("a", first), ("b", second))
    }
    pairs = pd.DataFrame(
        {
            "species": species,
            "variant": clips["variant"].iloc[0],
            **{f"clip_id_{side}": named[side]["clip_id"] for side in named},
            "cosine": cosine,
            **{f"label_{side}": named[side]["label"] for side in named},
            **{f"recording_id_{side}": named[side]["recording_id"] for side in named},
        }
    )
    swapped = pairs["clip_id_a"] > pairs["clip_id_b"]
    for name in ("clip_id", "label", "recording_id"):
        sides = [f"{name}_a", f"{name}_b"]
        pairs.loc[swapped, sides] = pairs.loc[swapped, sides[::-1]].to_numpy()
    pairs["same_recording"] = pairs["recording_id_a"] == pairs["recording_id_b"]
    pairs["encoder"] = clips["encoder"].iloc[0]
    pairs["encoder_fingerprint"] = clips["encoder_fingerprint"].iloc[0]
    return pairs.sort_values(["clip_id_a", "clip_id_b"], ignore_index=True)[columns]


def joined_recordings(pairs: pd.DataFrame) -> dict[str, str]:
    """Recordings that count as one because they share near-duplicate clips.

    Parameters
    ----------
    pairs
        Rows of :data:`audio_assets.tables.NEAR_DUPLICATES` of one species.

    Returns
    -------
    dict
        Recording -> name of the joined recording, the first of their names in order. Recordings
        that are joined with no other are left out.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    between = pairs[~pairs["same_recording"].astype(bool)]
    for one, other in zip(between["recording_id_a"], between["recording_id_b"], strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {name: root(name) for name in sorted(parent)}


def join_recordings(clips: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the clips with the names of their joined recordings.

    Parameters
    ----------
    clips
        Any table with a column ``recording_id``.
    pairs
        Rows of :data:`audio_assets.tables.NEAR_DUPLICATES` of the same species.
    """
    joined = joined_recordings(pairs)
    return clips.assign(recording_id=[joined.get(name, name) for name in clips["recording_id"]])


def joined_groups(pairs: pd.DataFrame) -> list[tuple[str, ...]]:
    """The groups of recordings that count as one, each in order of name, the largest first."""
    groups: dict[str, list[str]] = {}
    for name, joined in joined_recordings(pairs).items():
        groups.setdefault(joined, []).append(name)
    return sorted(map(tuple, groups.values()), key=lambda group: (-len(group), group))


def joins_too_many(joined: int, recordings: int) -> bool:
    """Whether one group holds so many of a species' recordings that the threshold is in doubt.

    A single pair never is too many, and neither is the effect of one or two copied clips.
    """
    return joined > max(2, LARGE_SHARE * recordings)


def _fewest_pairs(
    vectors: NDArray[np.float32],
    labels: NDArray[np.str_],
    recordings: NDArray[np.str_],
    above: float,
) -> Pairs:
    """A minimum spanning forest over all pairs above the threshold, built up block by block.

    The forest of a graph is that of its parts' forests together, so no more pairs are held than
    those of one block and n - 1.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    count = len(vectors)
    kept: Pairs = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    for found in _pairs_above(vectors, above):
        if not len(found[0]):
            continue
        first, second, cosine = (np.concatenate(both) for both in zip(kept, found, strict=True))
        # At least 1, since a sparse matrix takes 0 for no edge.
        weight = 2 - cosine
        weight += 4.0 * (labels[first] == labels[second])
        weight += 2.0 * (recordings[first] == recordings[second])
        graph = coo_matrix((weight, (first, second)), shape=(count, count))
        forest = minimum_spanning_tree(graph).tocoo()
        chosen = np.isin(first * count + second, forest.row.astype(np.int64) * count + forest.col)
        kept = (first[chosen], second[chosen], cosine[chosen])
    return kept


def _pairs_above(vectors: NDArray[np.float32], above: float) -> Iterator[Pairs]:
    """Pairs (first < second) with their cosines, a block of rows at a time."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    # A zero embedding points nowhere and is like no other.
    units = (vectors / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
    step = max(1, BLOCK // len(units))
    for start in range(0, len(units), step):
        rows = units[start : start + step]
        near = np.triu(rows @ units[start:].T > above - _MARGIN, k=1)
        first, second = (np.asarray(side, np.int64) + start for side in np.nonzero(near))
        cosine = np.round(_exact_cosines(vectors, lengths, first, second), _DECIMALS)
        sure = cosine > above
        yield first[sure], second[sure], cosine[sure]


def _exact_cosines(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosines in float64, equal in all bits whatever the other clips: BLAS rounds by shape."""
    cosines = np.empty(len(first))
    for start in range(0, len(first), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        a, b = first[part], second[part]
        products = vectors[a].astype(np.float64) * vectors[b]
        cosines[part] = products.sum(axis=1) / (lengths[a] * lengths[b])
    return cosines
