"""Tables of scores: per fold, per bootstrap draw, and per size of a learning curve."""

from audio_assets.tables.columns import (
    CLIP_ID,
    CODE_VERSION,
    ENCODER,
    FINGERPRINT,
    FOLD,
    HEAD,
    LABEL,
    METRIC,
    METRICS,
    MODEL,
    PROTOCOL,
    RECORDING,
    REPEAT,
    SEED,
    SPECIES,
    SPLIT_PLAN,
)
from audio_assets.tables.schema import Column, Table

FOLD_SCORES = Table(
    "fold_scores",
    "One row per repeat, fold, training size and metric. A species that allows no evaluation has "
    "one row, with only the reason.",
    (
        SPECIES,
        MODEL,
        Column("repeat", "int64", REPEAT.description, nullable=True, minimum=0),
        Column("fold", "int64", FOLD.description, nullable=True, minimum=0),
        Column(
            "training_size",
            "int64",
            "Training clips per class; 0 is the encoder's own class score, untrained.",
            unit="clips per class",
            nullable=True,
            minimum=0,
        ),
        Column("metric", "string", METRIC.description, nullable=True, values=METRICS),
        Column(
            "value", "float64", "The metric on the test fold.", nullable=True, minimum=0, maximum=1
        ),
        Column("reason", "string", "Why `value` is empty.", nullable=True),
        Column(
            "recordings_pos",
            "int64",
            "Distinct recordings among the positive training clips.",
            nullable=True,
            minimum=0,
        ),
        Column(
            "recordings_neg",
            "int64",
            "Distinct recordings among the negative training clips.",
            nullable=True,
            minimum=0,
        ),
        Column("test_pos", "int64", "Positive test clips.", unit="clips", nullable=True, minimum=0),
        Column("test_neg", "int64", "Negative test clips.", unit="clips", nullable=True, minimum=0),
        Column(
            "test_fold",
            "string",
            "`{positive}-{negative}` digests of the test fold's clips; equal folds share them.",
            nullable=True,
        ),
        ENCODER,
        FINGERPRINT,
        HEAD,
        PROTOCOL,
        SEED,
        SPLIT_PLAN,
    ),
    unique=("repeat", "fold", "training_size", "metric"),
)

FOLD_PREDICTIONS = Table(
    "fold_predictions",
    "Out-of-fold score of every usable clip at every training size and repeat; under holdout, "
    "the score of every clip in the test set.",
    (
        SPECIES,
        MODEL,
        CLIP_ID,
        LABEL,
        RECORDING,
        REPEAT,
        FOLD,
        Column(
            "training_size",
            "int64",
            "Training clips per class; 0 is the encoder's own class score.",
            unit="clips per class",
            minimum=0,
        ),
        Column("score", "float64", "Score of the positive class; higher means more likely."),
        Column("is_probability", "bool", "Whether `score` is a probability."),
        ENCODER,
        FINGERPRINT,
    ),
    unique=("clip_id", "repeat", "training_size"),
)

BOOTSTRAP_SCORES = Table(
    "bootstrap_scores",
    "One row per bootstrap draw of recordings, training size and metric; none for a species that "
    "allows no evaluation.",
    (
        SPECIES,
        MODEL,
        Column("draw", "int64", "Draw, from 0.", minimum=0),
        Column(
            "training_size",
            "int64",
            "Training clips per class; the largest that the draw allows where that is less; 0 is "
            "the encoder's own class score.",
            unit="clips per class",
            minimum=0,
        ),
        METRIC,
        Column(
            "value",
            "float64",
            "Mean over the draw's test folds in which the metric is defined.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("reason", "string", "Why `value` is empty.", nullable=True),
        Column("folds", "int64", "Folds K that the draw allowed.", minimum=2),
        ENCODER,
        FINGERPRINT,
        HEAD,
        PROTOCOL,
        SEED,
    ),
    unique=("draw", "training_size", "metric"),
)

CURVE_ROWS = (
    Column(
        "training_size",
        "int64",
        "Training clips per class; 0 is the encoder's own class score, untrained; empty in the one "
        "row of a species that allows no evaluation.",
        unit="clips per class",
        nullable=True,
        minimum=0,
    ),
    Column("metric", "string", METRIC.description, values=METRICS),
    Column(
        "mean",
        "float64",
        "Mean over folds; empty where the metric is undefined in one.",
        nullable=True,
        minimum=0,
        maximum=1,
    ),
    Column("ci_low", "float64", "Lower end of the interval.", nullable=True, minimum=0, maximum=1),
    Column("ci_high", "float64", "Upper end of the interval.", nullable=True, minimum=0, maximum=1),
    Column("ci_level", "float64", "Nominal coverage of the interval.", minimum=0, maximum=1),
    Column(
        "ci_method",
        "string",
        "How the interval was made: a t from folds and recordings; bootstrap over recordings; "
        "bootstrap over test recordings and training draws; a bound from the number of recordings, "
        "where there is no spread; or none.",
        values=("recording_t", "bootstrap", "test_recording_bootstrap", "recording_bound", "none"),
    ),
    Column("ci_status", "string", "`ok`, `ok: warning: …`, or why there is no interval."),
    Column("folds", "int64", "Folds K of a repeat; empty under holdout.", nullable=True, minimum=2),
    Column(
        "repeats",
        "int64",
        "Repeats R of the K-fold, or training draws under holdout.",
        nullable=True,
        minimum=1,
    ),
    Column(
        "distinct_folds",
        "int64",
        "Distinct test folds J among K·R, counted in the class in which fewer differ; empty under "
        "holdout.",
        nullable=True,
        minimum=1,
    ),
    Column(
        "recordings_pos",
        "float64",
        "Distinct recordings among the positive training clips, median over folds.",
        nullable=True,
        minimum=0,
    ),
    Column(
        "recordings_neg",
        "float64",
        "Distinct recordings among the negative training clips, median over folds.",
        nullable=True,
        minimum=0,
    ),
    Column(
        "recording_pairs",
        "int64",
        "Disjoint pairs of a positive and a negative recording among all that are tested: the "
        "number of recordings of the smaller class, or fewer where recordings hold both classes. "
        "With few pairs an interval can show only so much. Empty in tables of an earlier version.",
        nullable=True,
        minimum=0,
    ),
    Column(
        "test_prevalence",
        "float64",
        "Share of positive clips in the test folds, mean over folds.",
        nullable=True,
        minimum=0,
        maximum=1,
    ),
    HEAD,
    PROTOCOL,
    SEED,
)
"""Columns that :func:`audio_assets.evaluate` returns; the pipeline adds species, model and more."""

EVALUATION = Table(
    "evaluation",
    "One row per training size and metric, for one set of embeddings.",
    CURVE_ROWS,
    unique=("training_size", "metric"),
)

LEARNING_CURVE = Table(
    "learning_curve",
    "One row per species, model, training size and metric.",
    (
        SPECIES,
        MODEL,
        *CURVE_ROWS,
        ENCODER,
        FINGERPRINT,
        SPLIT_PLAN,
        CODE_VERSION,
    ),
    unique=("species", "model", "training_size", "metric"),
)

ROC_AUC_CHART = Table(
    "roc_auc_chart",
    "The rows that the chart of a species is drawn from: the learning curves of all its models.",
    LEARNING_CURVE.columns,
    unique=LEARNING_CURVE.unique,
)
