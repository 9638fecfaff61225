"""The leak check: the effect on the AUC of recordings with several clips.

Clips of one recording resemble each other. Folds drawn over clips put some of them into training
and others into the test, and the AUC then measures recognition of recordings as well as species.
Where a recording holds both labels, its clips are also easier to tell apart than clips of two:
:mod:`audio_assets.evaluation.doubts.same_recording`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audio_assets.evaluation.doubts.same_recording import same_recording
from audio_assets.evaluation.doubts.unknown_recordings import counts_by_name
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.evaluation.splits.recordings import NoEvaluation
from audio_assets.tables import LEAK_CHECK
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

ONE_CLIP_EACH = "no recording has two clips: nothing to leak"
NOTHING_TELLS = "nothing tells which clips belong together"
"""Prefix of the status where clips count as one recording each: their names match no rule."""
_NO_SPREAD = 1e-12


def leak_check(
    embeddings: pd.DataFrame,
    fold_scores: pd.DataFrame,
    fold_predictions: pd.DataFrame,
    inventory: pd.DataFrame,
    *,
    ci_level: float,
    workers: int = 1,
) -> pd.DataFrame:
    """AUC of folds over clips minus AUC of folds over recordings, at the largest training size.

    Both have the same clips, head, training size, folds, repeats and seed. The repeats draw their
    folds independently of one another, so that the differences of the repeats' means give a plain
    t interval for the mean over infinitely many draws *on these clips*. The variation between
    recordings is not included: folds over clips have no valid interval of that kind.

    Parameters
    ----------
    embeddings, fold_scores, fold_predictions
        Tables of :data:`audio_assets.tables.EMBEDDINGS`, :data:`audio_assets.tables.FOLD_SCORES`
        and :data:`audio_assets.tables.FOLD_PREDICTIONS` of one species and model.
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the species; records how each clip's
        recording was found.
    ci_level
        Nominal coverage of the interval.
    workers
        See :func:`audio_assets.evaluation.scores.grid.score_folds`.

    Returns
    -------
    DataFrame
        The one row of :data:`audio_assets.tables.LEAK_CHECK`.
    """
    import pandas as pd

    first = fold_scores.iloc[0]
    row: dict[str, Any] = dict.fromkeys(LEAK_CHECK.column_names)
    row |= {"species": first["species"], "model": first["model"], "ci_level": ci_level}
    row |= _compared(embeddings, fold_scores, fold_predictions, inventory, ci_level, workers)
    table = pd.DataFrame([row], columns=list(LEAK_CHECK.column_names))
    of_folds = ("auc_clips", "auc_recordings", "difference", "ci_low", "ci_high")
    numbers = (*of_folds, "same_recording", "auc_other_recordings")
    return table.astype({"training_size": "Int64", **dict.fromkeys(numbers, "float64")})


def _compared(
    embeddings: pd.DataFrame,
    fold_scores: pd.DataFrame,
    fold_predictions: pd.DataFrame,
    inventory: pd.DataFrame,
    ci_level: float,
    workers: int,
) -> dict[str, Any]:
    auc = fold_scores[fold_scores["metric"] == "roc_auc"]
    defined = auc["value"].notna()
    of_size = auc["training_size"] == auc.loc[defined, "training_size"].max()
    # K, R and the size are those of all folds, also of ones that have no value.
    asked, auc = auc[of_size], auc[of_size & defined]
    first = fold_scores.iloc[0]
    if auc.empty:
        return {"status": f"no evaluation: {first['reason']}"}
    size = int(auc["training_size"].iloc[0])
    mean = float(auc["value"].mean())
    pairs = same_recording(fold_predictions[fold_predictions["training_size"] == size])
    row: dict[str, Any] = {"training_size": size, "auc_recordings": mean}
    row |= {"same_recording": pairs.share, "auc_other_recordings": pairs.auc}
    row |= {"pairs_status": pairs.status}
    if not find_protocol(first["protocol"]).has_folds:
        return row | {"status": f"not made for the protocol {first['protocol']}"}
    usable = embeddings[embeddings["status"] == "ok"]
    # The recordings of the folds: near-duplicate clips may have joined some of the inventory's.
    if fold_predictions.drop_duplicates("clip_id")["recording_id"].is_unique:
        return row | {"status": _one_clip_each(usable["clip_id"], inventory)}
    labels = np.asarray(PRESENCE.is_positive(usable["label"]), dtype=np.int64)
    clips = usable["clip_id"].to_numpy(dtype=str)
    seed = int(first["seed"])
    folds = int(asked["fold"].max()) + 1
    try:
        plan = make_split_plan(
            labels,
            clips,
            keys=usable["sha256"].tolist(),
            folds=folds,
            repeats=int(asked["repeat"].max()) + 1,
            seed=seed,
        )
    except NoEvaluation as reason:
        return row | {"status": f"no folds over clips: {reason}"}
    if plan.n_folds < folds or plan.largest_size(labels) < size:
        return row | {"status": f"{folds} folds over clips leave fewer than {size} per class"}
    by_clip = score_folds(
        np.stack(usable["embedding"].tolist()),
        labels,
        clips,
        plan,
        sizes=[size],
        also_largest=False,
        head=str(first["head"]),
        seed=seed,
        workers=workers,
    ).scores
    by_clip = by_clip[by_clip["metric"] == "roc_auc"]
    differences = (
        by_clip.groupby("repeat")["value"].mean() - auc.groupby("repeat")["value"].mean()
    ).to_numpy(dtype=np.float64)
    row |= {"auc_clips": float(by_clip["value"].mean()), "status": "ok"}
    row["difference"] = row["auc_clips"] - mean
    row |= _interval(differences[np.isfinite(differences)], row["difference"], ci_level)
    if len(auc) < len(asked):
        row["status"] += (
            f": {len(asked) - len(auc)} of {len(asked)} folds over recordings have no AUC, the "
            "others are compared with all folds over clips"
        )
    return row


def _one_clip_each(clips: pd.Series[str], inventory: pd.DataFrame) -> str:
    """The values to report where every clip counts as a recording of its own."""
    by_name = clips.isin(inventory.loc[counts_by_name(inventory), "clip_id"]).sum()
    if not by_name:
        return ONE_CLIP_EACH
    return f"{NOTHING_TELLS}: {by_name} of {len(clips)} count as a recording each, by their names"


def _interval(differences: Any, centre: float, ci_level: float) -> dict[str, Any]:
    from scipy.special import stdtrit

    repeats = len(differences)
    if repeats < 2:
        return {"status": "one repeat gives no interval"}
    spread = float(np.std(differences, ddof=1))
    if spread < _NO_SPREAD:
        return {"status": "every draw of the folds gives the same difference"}
    half = float(stdtrit(repeats - 1, 0.5 + ci_level / 2.0)) * spread / np.sqrt(repeats)
    return {"ci_low": max(centre - half, -1.0), "ci_high": min(centre + half, 1.0)}
