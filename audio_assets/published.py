"""Reading what a run published: for notebooks and other programs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.evaluation.doubts.near_duplicates import join_recordings
from audio_assets.objects.files import read_file
from audio_assets.objects.roots import Root, open_root
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import read_table
from audio_assets.tables import (
    ANSWER,
    EMBEDDINGS,
    LEARNING_CURVE,
    MODEL_COMPARISON,
    NEAR_DUPLICATES,
    Table,
)
from audio_assets.tables.formula_guard import unguarded

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath


def load_answers(root: Root) -> pd.DataFrame:
    """The published answers: which model to use for each species, and what to do next.

    Parameters
    ----------
    root
        Results root: a folder or a gs:// prefix.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.ANSWER`, one row a species.

    Raises
    ------
    ResultsError
        If nothing has been published under ``root``.
    SettingsError
        If ``root`` is neither a folder nor a gs:// prefix.
    StorageError
        If the bucket refuses.

    See Also
    --------
    answer : The same of curves and comparisons in memory, with another target or margin.

    Examples
    --------
    >>> answers = load_answers("results")
    >>> answers.set_index("species")["model"].to_dict()
    {'owl': 'placeholder'}
    """
    return _read_csv(root, "answers", ANSWER)


def load_learning_curves(root: Root) -> pd.DataFrame:
    """The published learning curves of all species and models.

    Parameters
    ----------
    root
        Results root: a folder or a gs:// prefix.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.LEARNING_CURVE`: one row a species, model, training size
        (clips per class) and metric. ``mean``, ``ci_low`` and ``ci_high`` lie in 0 to 1; they are
        empty where ``ci_status`` says why there is no interval.

    Raises
    ------
    ResultsError
        If nothing has been published under ``root``.
    SettingsError
        If ``root`` is neither a folder nor a gs:// prefix.
    StorageError
        If the bucket refuses.

    See Also
    --------
    evaluate : The same rows of embeddings in memory.

    Examples
    --------
    >>> curves = load_learning_curves("results")
    >>> auc = curves[curves["metric"] == "roc_auc"]
    >>> auc.groupby(["species", "model"])["training_size"].max().to_dict()
    {('owl', 'placeholder'): 8}
    """
    return _read_csv(root, "learning_curves", LEARNING_CURVE)


def load_comparisons(root: Root) -> pd.DataFrame:
    """The published model comparisons and clips needed.

    Parameters
    ----------
    root
        Results root: a folder or a gs:// prefix.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.MODEL_COMPARISON`.

    Raises
    ------
    ResultsError
        If nothing has been published under ``root``.
    SettingsError
        If ``root`` is neither a folder nor a gs:// prefix.
    StorageError
        If the bucket refuses.
    """
    return _read_csv(root, "comparisons", MODEL_COMPARISON)


def load_embeddings(root: Root, model: str, species: str) -> pd.DataFrame:
    """The embeddings of a species by a model's encoder.

    Parameters
    ----------
    root
        Results root: a folder or a gs:// prefix.
    model, species
        As on the chart, e.g. ``"birdnet"`` and ``"coyote"``.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.EMBEDDINGS`, one row a clip; ``embedding`` holds float32[d]
        where ``status`` is ``ok``. Recordings that share near-duplicate clips have one
        ``recording_id``, as in the split plan.

    Raises
    ------
    ResultsError
        If there are none, or the file is not what it should be.
    SettingsError
        If ``root`` is neither a folder nor a gs:// prefix.
    StorageError
        If the bucket refuses.

    See Also
    --------
    evaluate : Learning curve of a head on these embeddings.

    Examples
    --------
    >>> import numpy as np
    >>> clips = load_embeddings("results", "placeholder", "owl")
    >>> clips = clips[clips["status"] == "ok"]
    >>> embeddings = np.stack(clips["embedding"])
    >>> embeddings.shape, embeddings.dtype
    ((24, 16), dtype('float32'))

    Another head on the same clips, without extracting anything again:

    >>> from audio_assets import evaluate
    >>> curve = evaluate(
    ...     embeddings,
    ...     clips["label"] == "pos",
    ...     clips["recording_id"],
    ...     keys=clips["clip_id"],
    ...     sizes=(4,),
    ...     head="svm",
    ... )
    >>> curve["head"].unique().tolist()
    ['svm']
    """
    results = ResultsLayout(open_root(root))
    path = results.table("embeddings", model, species)
    try:
        clips = read_table(path, EMBEDDINGS)
        path = results.table("near_duplicates", species)
        return join_recordings(clips, read_table(path, NEAR_DUPLICATES))
    except FileNotFoundError as error:
        raise ResultsError(
            f"There are no embeddings of {species} by {model}: no {path}",
            f"Make them: audio-assets run --species {species} --model {model}",
        ) from error


def _read_csv(root: Root, name: str, table: Table) -> pd.DataFrame:
    import pandas as pd

    path: UPath = getattr(ResultsLayout(open_root(root)), name)
    dtypes = {"string": "object", "int64": "Int64", "float64": "float64", "bool": "bool"}
    try:
        read = pd.read_csv(
            io.BytesIO(read_file(path)),
            dtype={column.name: dtypes[column.dtype] for column in table.columns},
            keep_default_na=False,
            na_values=[""],
            float_precision="round_trip",
        )
    except FileNotFoundError as error:
        raise ResultsError(
            f"There is no {path}",
            "Pass the results root of a finished run; `audio-assets run` makes one.",
        ) from error
    for column in table.columns:
        if column.nullable and column.name not in read.columns:
            # Published by an earlier version.
            read[column.name] = pd.Series(pd.NA, read.index, dtype=dtypes[column.dtype])
        if column.dtype == "string" and column.name in read.columns:
            read[column.name] = (
                read[column.name].map(unguarded, na_action="ignore").astype("object")
            )
    return read
