"""The split plan as a table: drawing a manifest from an inventory, and reading a plan from it.

Drawing folds and orders belongs in :mod:`audio_assets.evaluation.splits.plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audio_assets.evaluation.splits.holdout import ENOUGH_RECORDINGS
from audio_assets.evaluation.splits.plan import (
    NEVER_TESTED,
    NoEvaluation,
    SplitPlan,
    why_no_evaluation,
)
from audio_assets.tables import BALANCED_MANIFEST
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

Planner = Callable[..., SplitPlan]
"""Draws a plan from labels, recordings and the keywords keys, variants, repeats and seed."""


def build_manifest(
    inventory: pd.DataFrame,
    *,
    draw: Planner,
    repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Draw the split plan of a species.

    Parameters
    ----------
    inventory
        Rows of :data:`audio_assets.tables.AUDIO_INVENTORY`; those whose status is not ``ok`` are
        left out. All checksums are of one kind, see
        :func:`audio_assets.catalog.clip_digests.with_digests`.
    draw
        From :meth:`audio_assets.evaluation.intervals.protocol.EvaluationProtocol.planner`.
    repeats, seed
        See :func:`audio_assets.evaluation.splits.plan.make_split_plan`.

    Returns
    -------
    DataFrame
        Rows of :data:`audio_assets.tables.BALANCED_MANIFEST`, sorted by variant, clip,
        repeat and held-out fold.

    Raises
    ------
    NoEvaluation
        The recordings allow no split.
    """
    import pandas as pd

    usable = inventory[inventory["status"] == "ok"]
    usable = usable.sort_values(["variant", "clip_id"]).reset_index(drop=True)
    if usable.empty:
        raise NoEvaluation(why_no_evaluation(None))
    plan = draw(
        PRESENCE.is_positive(usable["label"]),
        usable["recording_id"],
        keys=usable["checksum"].tolist(),
        variants=usable["variant"].tolist(),
        repeats=repeats,
        seed=seed,
    )
    parts = []
    for repeat, held_out in np.ndindex(plan.repeats, plan.n_folds):
        part = usable[["clip_id", "variant", "label", "recording_id", "checksum"]].copy()
        part["repeat"] = repeat
        part["fold"] = plan.folds[repeat]
        part["held_out_fold"] = held_out
        part["rank"] = plan.ranks[repeat, held_out]
        part["folds"] = plan.n_folds
        parts.append(part)
    manifest = pd.concat(parts).sort_values(["variant", "clip_id", "repeat", "held_out_fold"])
    return manifest[list(BALANCED_MANIFEST.column_names)].reset_index(drop=True)


@dataclass(frozen=True)
class FixedTestSet:
    """The test set of a holdout manifest: its counts, and where it is smaller than requested."""

    counts: dict[str, int]
    shortages: tuple[str, ...]


def describe_test_set(manifest: pd.DataFrame, per_class: int) -> FixedTestSet:
    """Count the clips and recordings of the test set per variant and label.

    Parameters
    ----------
    manifest
        Rows of :data:`audio_assets.tables.BALANCED_MANIFEST` under holdout.
    per_class
        Requested number of test clips per class.
    """
    counts, shortages = {}, []
    first = manifest[manifest["repeat"] == 0]
    for (variant, label), clips in first.groupby(["variant", "label"]):
        test = clips[clips["fold"] != NEVER_TESTED]
        recordings, of = test["recording_id"].nunique(), clips["recording_id"].nunique()
        counts[f"test clips {variant}/{label}"] = len(test)
        counts[f"test recordings {variant}/{label}"] = recordings
        short = []
        if len(test) < per_class:
            short.append(f"{len(test)} clips where {per_class} are asked for")
        if recordings < ENOUGH_RECORDINGS:
            short.append(f"{recordings} recordings where {ENOUGH_RECORDINGS} are wanted")
        if short:
            shortages.append(
                f"the test set of {variant}/{label} has {' and '.join(short)}: at most 30 % of "
                f"{of} recordings are tested"
            )
    return FixedTestSet(counts, tuple(shortages))


def empty_manifest() -> pd.DataFrame:
    """The manifest of a species that allows no evaluation: no rows."""
    import pandas as pd

    return pd.DataFrame(
        {
            column.name: pd.Series(dtype="object" if column.dtype == "string" else column.dtype)
            for column in BALANCED_MANIFEST.columns
        }
    )


def plan_from_manifest(manifest: pd.DataFrame, clip_ids: Sequence[str], variant: str) -> SplitPlan:
    """The split plan of the given clips, in their order.

    Parameters
    ----------
    manifest
        Rows of :data:`audio_assets.tables.BALANCED_MANIFEST`.
    clip_ids
        Usable clips of one variant. Clips of the manifest that are missing here were unusable and
        are skipped in rank order.
    variant
        ``data`` or ``data_5s``.

    Raises
    ------
    ValueError
        A clip is named twice, or the manifest does not have it in every repeat and fold.
    """
    import pandas as pd

    ids = [str(clip) for clip in clip_ids]
    if len(set(ids)) != len(ids):
        raise ValueError("clip_ids names a clip twice")
    rows = manifest[manifest["variant"] == variant]
    missing = sorted(set(ids) - set(rows["clip_id"]))
    if missing:
        raise ValueError(f"the manifest has no clip {missing[0]!r} in {variant}")
    rows = rows[rows["clip_id"].isin(ids)]
    if rows["held_out_fold"].isna().any():
        raise ValueError(
            "the manifest is of an earlier version, with one draw order per repeat; materialize "
            "balanced_manifest"
        )
    repeats, n_folds = int(manifest["repeat"].max()) + 1, int(manifest["folds"].iloc[0])
    # One row per clip, one column per repeat and held-out fold.
    by_cell = rows.set_index(["clip_id", "repeat", "held_out_fold"])[["fold", "rank"]]
    wanted = pd.MultiIndex.from_product([ids, range(repeats), range(n_folds)])
    cells = by_cell.reindex(wanted)
    if cells.isna().to_numpy().any():
        raise ValueError("the manifest does not have every clip in every repeat and fold")
    fold, rank = cells.to_numpy(dtype=np.int64).reshape(len(ids), repeats, n_folds, 2).T
    keys = rows.drop_duplicates("clip_id").set_index("clip_id")["checksum"].reindex(ids)
    return SplitPlan(fold[0], rank.swapaxes(0, 1), n_folds, tuple(keys))
