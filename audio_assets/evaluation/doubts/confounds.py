"""The confound check: predicting the labels from properties of the files alone.

If the positives are WAV files and the negatives OGG files, a model may learn the sound of
compression, and no split of these clips can reveal that. The check passes the files' properties in
place of embeddings to the same evaluation: same head, same folds over recordings, same interval.

The head is additive in the properties. If the positives of one format have one channel and its
negatives two, and the other format has it the other way round, no sum shows it; so pairs of
properties are included too. A tree would find more general interactions, but on such files with 15
recordings per class a random forest reached an AUC of 0.80, where these pairs reach 0.98, and took
50 times as long. Interactions of three properties are not examined.
"""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import DuplicateEmbeddingsWarning
from audio_assets.evaluation.api import evaluate
from audio_assets.evaluation.splits.manifest import plan_from_manifest
from audio_assets.evaluation.splits.plan import why_no_evaluation
from audio_assets.evaluation.splits.recordings import NoEvaluation, count_recordings
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES = ("file_format", "sample_rate", "channels")
NUMBERS = ("seconds", "rms_db", "peak_db")
PROPERTIES = (*CATEGORIES, *NUMBERS)
ALL = "all"
PAIRS = "pairs"

SAME = "the same in every clip"
NO_PAIR = "no two properties vary"
UNDECIDED = "too few recordings to tell whether the files give the labels away"
_STEPS = 16
# Of a number in a pair, at its quartiles: a pair of two numbers has 36 columns, not 900.
_STEPS_IN_PAIRS = 4


def confounds(
    properties: pd.DataFrame,
    manifest: pd.DataFrame,
    variant: str,
    *,
    ci_level: float,
    warn_auc: float,
) -> list[dict[str, Any]]:
    """ROC-AUC of the labels from each property alone, from all together and from pairs of them.

    It is a warning where the mean reaches ``warn_auc`` and the lower end of the interval is above
    one half, or the labels are separated without error: with few recordings an AUC of 0.75 often
    occurs by chance. A mean that reaches ``warn_auc`` without meeting either condition is
    inconclusive: its status then begins with :data:`UNDECIDED`.

    Parameters
    ----------
    properties, manifest
        Tables of :data:`audio_assets.tables.CLIP_PROPERTIES` and
        :data:`audio_assets.tables.BALANCED_MANIFEST`.
    variant
        Variant of the clips to examine.
    ci_level
        Nominal coverage of the intervals.
    warn_auc
        Mean ROC-AUC at and above which it may be a warning.

    Returns
    -------
    list of dict
        ``subject``, ``value``, ``ci_low``, ``ci_high``, ``warning`` and ``status``, one per
        property, one for :data:`ALL` and one for :data:`PAIRS`; none without clips of the variant.
    """
    clips = properties[properties["variant"] == variant].reset_index(drop=True)
    if clips.empty:
        return []
    labels = PRESENCE.is_positive(clips["label"]).to_numpy(dtype=np.int64)
    # The manifest's recordings, since near-duplicate clips may have joined some of them.
    planned = manifest[manifest["variant"] == variant].drop_duplicates("clip_id")
    joined = clips["clip_id"].map(planned.set_index("clip_id")["recording_id"])
    recordings = joined.fillna(clips["recording_id"]).to_numpy(dtype=str)
    blocks = {name: encoded(clips[name].to_numpy(), name in NUMBERS) for name in PROPERTIES}
    features = {**blocks, ALL: np.hstack(list(blocks.values())), PAIRS: _pairs(clips)}
    counts = count_recordings(labels, recordings)
    rows = []
    for subject, values in features.items():
        row: dict[str, Any] = dict.fromkeys(("value", "ci_low", "ci_high"))
        row |= {"subject": subject, "warning": False}
        try:
            if counts.smaller_class < 2:
                raise NoEvaluation(why_no_evaluation(counts) + _not_measured(planned, clips))
            if manifest.empty:
                raise NoEvaluation("no deal of the recordings gives every test fold both classes")
            if not values.shape[1]:
                one_varies = subject == PAIRS and features[ALL].shape[1]
                raise NoEvaluation(NO_PAIR if one_varies else SAME)
            splits = plan_from_manifest(manifest, clips["clip_id"].tolist(), variant)
            with warnings.catch_warnings():
                # Files of the same kind are no copies of one another.
                warnings.simplefilter("ignore", DuplicateEmbeddingsWarning)
                curve = evaluate(
                    values,
                    labels,
                    recordings,
                    sizes=(),
                    protocol=splits.protocol,
                    splits=splits,
                    ci_level=ci_level,
                )
        except NoEvaluation as reason:
            rows.append(row | {"status": str(reason)})
            continue
        auc = curve[curve["metric"] == "roc_auc"].iloc[0]
        mean, low, status = float(auc["mean"]), float(auc["ci_low"]), str(auc["ci_status"])
        warning = mean >= warn_auc and (low > 0.5 or mean == 1.0)
        if mean >= warn_auc and not warning:
            why = status.removeprefix("ok").removeprefix(": ")
            status = f"{UNDECIDED}: {why}" if why else UNDECIDED
        rows.append(
            row
            | {"value": mean, "ci_low": low, "ci_high": float(auc["ci_high"])}
            | {"warning": warning, "status": status}
        )
    return rows


def _not_measured(planned: pd.DataFrame, measured: pd.DataFrame) -> str:
    """Describe how many planned clips could not be read, by class; empty if all could."""
    losses = ""
    for label in reversed(PRESENCE.classes):
        of_class = planned[planned["label"] == label]
        lost = len(of_class) - int(of_class["clip_id"].isin(measured["clip_id"]).sum())
        if lost:
            word = PRESENCE.word(label)
            losses += f"; {lost} of {len(of_class)} {word} clips could not be used (quarantine.csv)"
    return losses


def _pairs(clips: pd.DataFrame) -> NDArray[np.float64]:
    """Pairs of properties that vary: one column for each combination of their values.

    Each property alone is included, as the sum of its pairs with the values of another.
    """
    coarse = [
        encoded(clips[name].to_numpy(), name in NUMBERS, _STEPS_IN_PAIRS) for name in PROPERTIES
    ]
    blocks = [
        (one[:, :, None] * other[:, None, :]).reshape(len(clips), -1)
        for one, other in combinations([block for block in coarse if block.shape[1]], 2)
    ]
    return np.hstack(blocks) if blocks else np.empty((len(clips), 0))


def encoded(values: NDArray[Any], is_number: bool, steps: int = _STEPS) -> NDArray[np.float64]:
    """A property as columns whose squares add up to 1 in every row, or none if it never varies.

    A category has one column per value. A number becomes pairs "at least this" and "less than
    this" at up to ``steps`` - 1 quantiles, so that a threshold or a range counts as much as a
    trend. Since all rows have the same length, the logistic head's scaling to unit length loses
    nothing. Labels are not used, so that quantiles of all clips leak nothing.

    Parameters
    ----------
    values
        [n], of one property.
    is_number
        Whether the values are ordered numbers.
    steps
        Parts of equal size that a number is divided into.
    """
    if not is_number:
        found = np.unique(values)
        found = found[: len(found) if len(found) > 1 else 0]
        return np.asarray(values[:, None] == found, dtype=np.float64)
    numbers = values.astype(np.float64)
    edges = np.unique(np.quantile(numbers, np.arange(1, steps) / steps, method="higher"))
    edges = edges[edges > numbers.min()]
    above = numbers[:, None] >= edges
    return np.asarray(np.hstack([above, ~above]) / np.sqrt(max(len(edges), 1)), dtype=np.float64)
