"""The evaluation of one species by one model, with the stages' tables as input and output.

Only joining tables belongs here; the computations belong in the other files of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audio_assets.evaluation.intervals.comparison import differences, gain_rows, needed_rows
from audio_assets.evaluation.intervals.learning_curve import (
    no_evaluation_row,
    summarise,
    with_warning,
)
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.evaluation.scores.bootstrap import bootstrap_scores
from audio_assets.evaluation.scores.equal_rows import describe_equal_rows
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.loss import losses_of_classes
from audio_assets.evaluation.splits.manifest import plan_from_manifest
from audio_assets.evaluation.splits.plan import why_no_evaluation
from audio_assets.evaluation.splits.recordings import (
    MIN_RECORDINGS,
    NoEvaluation,
    RecordingCounts,
    count_recordings,
)
from audio_assets.tables import (
    BOOTSTRAP_SCORES,
    CURVE_ROWS,
    FOLD_PREDICTIONS,
    FOLD_SCORES,
    LEARNING_CURVE,
)
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class SpeciesScores:
    """Result of :func:`score_species`.

    Attributes
    ----------
    scores, predictions
        As :data:`audio_assets.tables.FOLD_SCORES` and
        :data:`audio_assets.tables.FOLD_PREDICTIONS`.
    summary
        Counts to show, or why there is no evaluation.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    summary: dict[str, Any]


def score_species(
    embeddings: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    species: str,
    model: str,
    encoder: str,
    variant: str,
    head: str,
    sizes: Iterable[int],
    protocol: str,
    seed: int,
    split_plan: str,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> SpeciesScores:
    """Train and test a model on a species, following the split plan.

    Parameters
    ----------
    embeddings, manifest
        Tables of :data:`audio_assets.tables.EMBEDDINGS` and
        :data:`audio_assets.tables.BALANCED_MANIFEST`.
    variant
        Variant the model reads.
    species, model, encoder, split_plan
        Written into the rows; ``split_plan`` is the manifest's content version.
    head, sizes, protocol, seed, workers, progress
        See :func:`audio_assets.evaluation.scores.grid.score_folds`. Size 0 requests the encoder's
        own class score, where it has one for the species.

    Returns
    -------
    SpeciesScores
        Where the species allows no evaluation, ``scores`` is one row with the reason.
    """
    import pandas as pd

    sizes = list(sizes)
    origin = _origin(embeddings, species, model, encoder)
    constants = {
        **origin,
        "head": head,
        "protocol": protocol,
        "seed": seed,
        "split_plan": split_plan,
    }
    usable = _usable(embeddings, manifest, variant)
    try:
        clips = _clips(
            embeddings, usable, manifest, variant, protocol, with_class_scores=0 in sizes
        )
        results = score_folds(
            **clips,
            sizes=sizes,
            head=head,
            protocol=protocol,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    except NoEvaluation as reason:
        row: dict[str, Any] = dict.fromkeys(FOLD_SCORES.column_names)
        row |= {"reason": str(reason), **constants}
        return SpeciesScores(
            pd.DataFrame([row], columns=list(FOLD_SCORES.column_names)),
            pd.DataFrame(columns=list(FOLD_PREDICTIONS.column_names)),
            {"no evaluation": str(reason)},
        )
    predictions = results.predictions.join(usable["clip_id"], on="clip").assign(**origin)
    trained = results.scores["training_size"]
    tested = f"{find_protocol(protocol).recording}s"
    equal = describe_equal_rows(
        clips["embeddings"], clips["labels"], clips["recordings"], usable["clip_id"].tolist()
    )
    return SpeciesScores(
        results.scores.assign(**constants)[list(FOLD_SCORES.column_names)],
        predictions[list(FOLD_PREDICTIONS.column_names)],
        {
            "clips": len(usable),
            f"positive {tested}": results.recordings.pos,
            f"negative {tested}": results.recordings.neg,
            "largest size": int(trained.max()),
            **({"warning": equal} if equal else {}),
        },
    )


def bootstrap_species(
    embeddings: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    draws: int,
    species: str,
    model: str,
    encoder: str,
    variant: str,
    head: str,
    sizes: Iterable[int],
    protocol: str,
    seed: int,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Evaluate a model on resampled recordings of a species.

    Parameters
    ----------
    draws
        See :func:`audio_assets.evaluation.scores.bootstrap.bootstrap_scores`.
    embeddings, manifest, species, model, encoder, variant, head, sizes, protocol, seed
        As in :func:`score_species`.
    workers, progress
        See :func:`audio_assets.evaluation.scores.bootstrap.bootstrap_scores`.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.BOOTSTRAP_SCORES`; no rows where the species allows no
        evaluation, or too few recordings for an interval.
    """
    import pandas as pd

    sizes = list(sizes)
    usable = _usable(embeddings, manifest, variant)
    try:
        clips = _clips(
            embeddings, usable, manifest, variant, protocol, with_class_scores=0 in sizes
        )
        if count_recordings(clips["labels"], clips["recordings"]).smaller_class < MIN_RECORDINGS:
            raise NoEvaluation("too few recordings")
        scores = bootstrap_scores(
            **clips,
            sizes=sizes,
            head=head,
            draws=draws,
            protocol=protocol,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    except NoEvaluation:
        return pd.DataFrame(columns=list(BOOTSTRAP_SCORES.column_names))
    constants = _origin(embeddings, species, model, encoder)
    constants |= {"head": head, "protocol": protocol, "seed": seed}
    return scores.assign(**constants)[list(BOOTSTRAP_SCORES.column_names)]


def summarise_species(
    fold_scores: pd.DataFrame,
    fold_predictions: pd.DataFrame,
    *,
    ci_level: float,
    code_version: str,
    draws: pd.DataFrame | None = None,
    doubt: str = "",
) -> pd.DataFrame:
    """The learning curve of a species and model.

    Parameters
    ----------
    fold_scores, fold_predictions
        Tables from :func:`score_species`.
    ci_level
        Nominal coverage of the intervals.
    code_version
        Written into the rows.
    draws
        Table from :func:`bootstrap_species`, if intervals are to be made from it.
    doubt
        A warning to attach to every number, such as that recordings are not known; empty for
        none.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.LEARNING_CURVE`.
    """
    first = fold_scores.iloc[0]
    constants = {"head": first["head"], "protocol": first["protocol"], "seed": int(first["seed"])}
    if len(fold_predictions):
        curve = summarise(
            fold_scores,
            fold_predictions,
            recordings=_recordings(fold_predictions),
            ci_level=ci_level,
            draws=draws,
            **constants,
        )
    else:
        curve = no_evaluation_row(str(first["reason"]), ci_level=ci_level, **constants)
    assert list(curve.columns) == [column.name for column in CURVE_ROWS]
    if doubt:
        curve = with_warning(curve, doubt)
    curve = curve.assign(
        species=first["species"],
        model=first["model"],
        encoder=first["encoder"],
        encoder_fingerprint=first["encoder_fingerprint"],
        split_plan=first["split_plan"],
        code_version=code_version,
    )
    return curve[list(LEARNING_CURVE.column_names)]


def compare_species(
    fold_scores: Iterable[pd.DataFrame],
    fold_predictions: Iterable[pd.DataFrame],
    curves: Iterable[pd.DataFrame],
    *,
    species: str,
    ci_level: float,
    target: float,
) -> pd.DataFrame:
    """Differences between every two models, what more clips gain, and the clips that each needs.

    Parameters
    ----------
    fold_scores, fold_predictions, curves
        Tables of the species, one per model. Models are compared if they were scored under the
        same protocol and seed.
    target
        ROC-AUC whose lower bound counts as enough.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.MODEL_COMPARISON`. A model without an evaluation has a row of
        kind ``clips_needed`` that says so, and no differences.
    """
    import pandas as pd

    predictions = {p["model"].iloc[0]: p for p in fold_predictions if len(p)}
    scores = {s["model"].iloc[0]: s for s in fold_scores}
    scores = {model: table for model, table in scores.items() if model in predictions}
    by_model = {curve["model"].iloc[0]: curve for curve in curves}
    # A model that could not be scored again after a change of settings has another test set.
    origins = {m: (str(t["protocol"].iloc[0]), int(t["seed"].iloc[0])) for m, t in scores.items()}
    tables = [
        differences(
            {model: scores[model] for model in scores if origins[model] == (protocol, seed)},
            predictions,
            species=species,
            ci_level=ci_level,
            protocol=protocol,
            seed=seed,
        )
        for protocol, seed in sorted(set(origins.values()))
    ]
    common: dict[str, Any] = {"species": species, "ci_level": ci_level}
    tables += [
        gain_rows(scores[model], predictions[model], model=model, protocol=p, seed=s, **common)
        for model, (p, s) in sorted(origins.items())
    ]
    tables.append(needed_rows(by_model, target=target, **common))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else (filled or tables)[0]


def _origin(embeddings: pd.DataFrame, species: str, model: str, encoder: str) -> dict[str, Any]:
    return {
        "species": species,
        "model": model,
        "encoder": encoder,
        # From the embeddings at hand, which may be older than the encoder installed now.
        "encoder_fingerprint": next(iter(embeddings["encoder_fingerprint"]), ""),
    }


def _usable(embeddings: pd.DataFrame, manifest: pd.DataFrame, variant: str) -> pd.DataFrame:
    usable = embeddings[embeddings["status"] == "ok"].reset_index(drop=True)
    # The manifest's recordings, since near-duplicate clips may have joined some of them.
    planned = manifest[manifest["variant"] == variant].drop_duplicates("clip_id")
    joined = planned.set_index("clip_id")["recording_id"]
    usable["recording_id"] = usable["clip_id"].map(joined).fillna(usable["recording_id"])
    return usable


def _clips(
    embeddings: pd.DataFrame,
    usable: pd.DataFrame,
    manifest: pd.DataFrame,
    variant: str,
    protocol: str,
    *,
    with_class_scores: bool,
) -> dict[str, Any]:
    """The arguments that define the clips to evaluate."""
    _check_evaluable(embeddings, usable, manifest, variant, protocol)
    scores = usable["class_score"].to_numpy(dtype=np.float64) if with_class_scores else None
    return {
        "embeddings": np.stack(usable["embedding"].tolist()),
        "labels": PRESENCE.is_positive(usable["label"]).to_numpy(dtype=np.int64),
        "recordings": usable["recording_id"].to_numpy(dtype=str),
        "plan": plan_from_manifest(manifest, usable["clip_id"].tolist(), variant),
        "class_scores": scores,
    }


def _check_evaluable(
    embeddings: pd.DataFrame,
    usable: pd.DataFrame,
    manifest: pd.DataFrame,
    variant: str,
    protocol: str,
) -> None:
    counts = count_recordings(
        PRESENCE.is_positive(usable["label"]).to_numpy(dtype=np.int64),
        usable["recording_id"].to_numpy(dtype=str),
    )
    by_protocol = find_protocol(protocol)
    needed = by_protocol.least_recordings(counts)
    if counts.smaller_class < needed:
        why = by_protocol.why_no_plan(counts)
        if usable.empty:
            why = f"{why_no_evaluation(None)} under {variant}"
        of_class = {PRESENCE.positive: counts.pos, PRESENCE.negative: counts.neg}
        few = [label for label, recordings in of_class.items() if recordings < needed]
        losses = losses_of_classes(embeddings, few)
        raise NoEvaluation(f"{why} ({'; '.join(losses)})" if losses else why)
    if manifest.empty:
        raise NoEvaluation(
            "no deal of the recordings gives every test set both classes, where recordings that "
            "share near-duplicate clips count as one (DUPLICATE_COSINE says how alike those are)"
        )


def _recordings(predictions: pd.DataFrame) -> RecordingCounts:
    clips = predictions[["clip_id", "label", "recording_id"]].drop_duplicates()
    return count_recordings(
        PRESENCE.is_positive(clips["label"]).to_numpy(dtype=np.int64),
        clips["recording_id"].to_numpy(dtype=str),
    )
