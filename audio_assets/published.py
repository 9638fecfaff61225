"""Reading what a run published: for notebooks and other programs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.evaluation.doubts.near_duplicates import join_recordings
from audio_assets.evaluation.splits.manifest import plan_from_manifest
from audio_assets.evaluation.splits.plan import SplitPlan
from audio_assets.objects.files import exists, read_file
from audio_assets.objects.roots import Root, open_root
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import content_version, read_pieces, read_table
from audio_assets.tables import (
    ANSWER,
    BALANCED_MANIFEST,
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


def load_splits(root: Root, model: str, species: str) -> SplitPlan:
    """The split plan that a model's learning curve of a species was made with.

    Parameters
    ----------
    root
        Results root: a folder or a gs:// prefix.
    model, species
        As on the chart, e.g. ``"birdnet"`` and ``"coyote"``.

    Returns
    -------
    SplitPlan
        Aligned to the n rows of :func:`load_embeddings` whose ``status`` is ``ok``. Its method
        ``train_test`` lists the clips that each repeat, fold and training size (clips per class)
        was trained and tested on.

    Raises
    ------
    ResultsError
        If there is none, because the species could not be evaluated or nothing was published; or
        if a published curve was made with other splits than those at hand.
    SettingsError
        If ``root`` is neither a folder nor a gs:// prefix.
    StorageError
        If the bucket refuses.

    See Also
    --------
    evaluate : Learning curve on these splits.

    Examples
    --------
    The numbers of a chart from its embeddings, splits and head, bit for bit:

    >>> import numpy as np
    >>> from audio_assets import evaluate
    >>> curves = load_learning_curves("results")
    >>> published = curves.query("species == 'owl' and model == 'placeholder'")
    >>> clips = load_embeddings("results", "placeholder", "owl").query("status == 'ok'")
    >>> embeddings = np.stack(clips["embedding"])
    >>> splits = load_splits("results", "placeholder", "owl")
    >>> again = evaluate(
    ...     embeddings,
    ...     clips["label"],
    ...     clips["recording_id"],
    ...     splits=splits,
    ...     sizes=published["training_size"].unique(),
    ...     head=published["head"].iloc[0],
    ...     seed=published["seed"].iloc[0],
    ... )
    >>> chart = published.query("metric == 'roc_auc'").set_index("training_size")["mean"]
    >>> ours = again.query("metric == 'roc_auc'").set_index("training_size")["mean"]
    >>> bool((chart == ours).all())
    True

    Another classifier on the same splits, in scikit-learn alone:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> pairs = splits.train_test(clips["label"], size=4)
    >>> scores = cross_val_score(
    ...     LogisticRegression(), embeddings, clips["label"] == "pos", cv=pairs, scoring="roc_auc"
    ... )
    >>> len(scores) == splits.repeats * splits.n_folds
    True
    """
    import pandas as pd

    results = ResultsLayout(open_root(root))
    make = f"Make them: audio-assets run --species {species} --model {model}"
    path = results.table("balanced_manifest", species)
    try:
        manifest = read_table(path, BALANCED_MANIFEST)
        path = results.table("embeddings", model, species)
        pieces = read_pieces(path, EMBEDDINGS, ("clip_id", "variant", "status"))
        clips = pd.concat([piece[piece["status"] == "ok"] for piece in pieces])
    except FileNotFoundError as error:
        raise ResultsError(
            f"There are no splits of {species} for {model}: no {path}", make
        ) from error
    if manifest.empty or clips.empty:
        lacking = "recordings that can be split" if manifest.empty else "usable clips"
        raise ResultsError(
            f"There are no splits of {species} for {model}: the species has no {lacking}",
            "The column ci_status of learning_curves.csv says what is missing.",
        )
    _check_splits_of_curve(results, model, species, content_version(manifest, BALANCED_MANIFEST))
    try:
        return plan_from_manifest(manifest, clips["clip_id"].tolist(), clips["variant"].iloc[0])
    except ValueError as error:
        raise ResultsError(
            f"The splits of {species} and the embeddings of {model} are of different runs: {error}",
            make,
        ) from error


def _check_splits_of_curve(
    results: ResultsLayout, model: str, species: str, split_plan: str
) -> None:
    """Refuse splits that a published curve was not made with."""
    if not exists(results.learning_curves):
        return
    curves = load_learning_curves(results.root)
    curves = curves[(curves["species"] == species) & (curves["model"] == model)]
    if set(curves["split_plan"]) - {split_plan}:
        raise ResultsError(
            f"The published curve of {model} on {species} was made with other splits than the "
            "present ones, so that they do not reproduce it",
            f"Bring it up to date: audio-assets run --species {species} --model {model}",
        )


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
