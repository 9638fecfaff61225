"""The tables that pass between stages and that a run publishes: one definition each.

Names, types, units and meanings of the columns belong here, and nothing else: the module imports
only the standard library, so that the Dagster UI's column schema, the pandera check
(:mod:`audio_assets.validation`) and the Parquet schema (:mod:`audio_assets.storage.parquet`) can
all be built from it without paying for one another's imports.
"""

from dataclasses import dataclass
from typing import Literal

DType = Literal["string", "int64", "float64", "bool", "timestamp", "vector", "binary"]
"""``vector`` is a fixed-size list of float32; ``timestamp`` is UTC with microseconds; ``binary`` is
a small file."""

VARIANTS = ("data", "data_5s")
LABELS = ("neg", "pos")
METRICS = ("roc_auc", "average_precision", "recall_at_precision_90", "brier")
PROTOCOLS = ("cv", "holdout")

QUARANTINE_REASONS = {
    "empty_file": "the file has no bytes",
    "no_samples": "the file has a header and no samples",
    "not_audio": "the file is not audio in a format that can be read",
    "undecodable": "the file is damaged or cut off and does not decode",
    "too_short": "the clip is shorter than MIN_SECONDS",
    "too_long": "the clip is longer than MAX_SECONDS",
    "non_finite": "the clip has samples that are NaN or infinite",
    "silent": "every sample of the clip has the same value",
    "unreadable": "the file could not be read from storage",
    "both_labels": "the same bytes are labelled pos and neg in this species",
}
"""Why a clip is not used: the fixed vocabulary of ``quarantine.csv`` with its meaning."""


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means, and what values it may take.

    Attributes
    ----------
    name, dtype, description
        As they appear in files and in the UI.
    unit
        Physical or counting unit; empty for text and pure numbers.
    nullable
        Whether a value may be missing; ``description`` then says when.
    minimum, maximum
        Inclusive bounds of numbers.
    values
        The closed set of allowed values of a string column.
    """

    name: str
    dtype: DType
    description: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """A table: its columns in order and the columns that identify a row."""

    name: str
    description: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in order."""
        return tuple(column.name for column in self.columns)


SPECIES = Column("species", "string", "Species folder the clips come from.")
MODEL = Column("model", "string", "Model: an encoder and a head, as on a chart's line.")
CLIP_ID = Column(
    "clip_id",
    "string",
    "`{label}/{stem}`; `{label}/{file name}` where two files of a folder share a stem.",
)
VARIANT = Column("variant", "string", "Folder the clip lies in.", values=VARIANTS)
LABEL = Column("label", "string", "Whether the species is heard in the clip.", values=LABELS)
RECORDING = Column(
    "recording_id",
    "string",
    "Source recording or site, the unit of every split; recordings that share equal bytes are one.",
)
CHECKSUM = Column(
    "checksum", "string", "`{algorithm}:{hex digest}` of the bytes, as the listing gives it."
)
ENCODER = Column("encoder", "string", "Encoder that made the embeddings.")
FINGERPRINT = Column(
    "encoder_fingerprint",
    "string",
    "SHA-256 over weights, preprocessing and the library versions that change numbers.",
)
REPEAT = Column(
    "repeat", "int64", "Repeat of the K-fold, or training draw under holdout, from 0.", minimum=0
)
FOLD = Column(
    "fold", "int64", "Test fold within the repeat, from 0; the test set under holdout.", minimum=0
)
SEED = Column("seed", "int64", "Base seed that every draw is derived from.", minimum=0)
HEAD = Column("head", "string", "Classifier trained on the embeddings.")
CODE_VERSION = Column(
    "code_version", "string", "Version of the code and settings behind the numbers."
)
SPLIT_PLAN = Column(
    "split_plan", "string", "Content version of the balanced_manifest that the folds come from."
)
PROTOCOL = Column("protocol", "string", "How test sets are made.", values=PROTOCOLS)
METRIC = Column("metric", "string", "What `mean` or `value` measures.", values=METRICS)

AUDIO_INVENTORY = Table(
    "audio_inventory",
    "One row an object under data/ and data_5s/ of a species; a listing, nothing is decoded.",
    (
        CLIP_ID,
        VARIANT,
        LABEL,
        Column("uri", "string", "Where the object lies: a path or a gs:// URI."),
        Column("size", "int64", "Size of the object.", unit="bytes", minimum=0),
        CHECKSUM,
        Column("generation", "string", "Object generation; empty for local files."),
        Column("updated", "timestamp", "Last modification.", unit="UTC"),
        RECORDING,
        Column(
            "recording_rule",
            "string",
            "How recording_id was found: `clips.csv`, the pattern that matched, or `stem`.",
        ),
        Column(
            "status",
            "string",
            "`ok`; `duplicate` of a clip with the same label; `both_labels` when quarantined for "
            "being labelled pos and neg.",
            values=("ok", "duplicate", "both_labels"),
        ),
        Column(
            "duplicate_of",
            "string",
            "clip_id of the copy that is used, or of the contradicting clip; empty when ok.",
        ),
    ),
    unique=("variant", "clip_id"),
)

CONTENT = Column("content", "string", "`sha256:{hex digest}` of the bytes, wherever the clip lies.")

CLIP_DIGESTS = Table(
    "clip_digests",
    "What a clip is, by its bytes: one row a clip that is to be used. A listing shows checksums of "
    "other kinds in other places; splits are drawn by these.",
    (
        CLIP_ID,
        VARIANT,
        CHECKSUM,
        Column("size", "int64", "Size of the object.", unit="bytes", minimum=0),
        CONTENT,
    ),
    unique=("variant", "clip_id"),
)

NEAR_DUPLICATES = Table(
    "near_duplicates",
    "Pairs of clips that sound the same by the cosine of their embeddings. Of clips that are all "
    "alike, the fewest pairs that connect them.",
    (
        SPECIES,
        VARIANT,
        Column("clip_id_a", "string", "Clip, the first of the two in order."),
        Column("clip_id_b", "string", "The other clip."),
        Column(
            "cosine",
            "float64",
            "Cosine of the two embeddings, rounded to 6 decimals.",
            minimum=-1,
            maximum=1,
        ),
        Column("label_a", "string", "Label of clip_id_a.", values=LABELS),
        Column(
            "label_b", "string", "Label of clip_id_b; if it differs, one is wrong.", values=LABELS
        ),
        Column("recording_id_a", "string", "Recording of clip_id_a, as in the inventory."),
        Column("recording_id_b", "string", "Recording of clip_id_b, as in the inventory."),
        Column(
            "same_recording",
            "bool",
            "Whether the recordings are one anyway; if not, the split plan takes them for one.",
        ),
        ENCODER,
        FINGERPRINT,
    ),
    unique=("variant", "clip_id_a", "clip_id_b"),
)

CLIP_PROPERTIES = Table(
    "clip_properties",
    "What can be told of a clip without listening to it: one row a clip that can be decoded.",
    (
        CLIP_ID,
        VARIANT,
        LABEL,
        RECORDING,
        CHECKSUM,
        Column("size", "int64", "Size of the object.", unit="bytes", minimum=0),
        Column("file_format", "string", "Container and coding of the file, such as `OGG VORBIS`."),
        Column("sample_rate", "int64", "Of the file.", unit="Hz", minimum=1),
        Column("channels", "int64", "Of the file.", minimum=1),
        Column("seconds", "float64", "Duration.", unit="s", minimum=0),
        Column("rms_db", "float64", "Root mean square of the channels' mean.", unit="dBFS"),
        Column("peak_db", "float64", "Largest sample of the channels' mean.", unit="dBFS"),
        Column("method", "int64", "Version of the measurement that made the row.", minimum=1),
    ),
    unique=("variant", "clip_id"),
)

BALANCED_MANIFEST = Table(
    "balanced_manifest",
    "The split plan of a species, shared by all models: one row a usable clip, variant and repeat. "
    "Recordings that share near-duplicate clips have one recording_id here.",
    (
        CLIP_ID,
        VARIANT,
        LABEL,
        RECORDING,
        Column(
            "checksum",
            "string",
            "`sha256:{hex digest}` of the bytes: the order that the plan was drawn in.",
        ),
        REPEAT,
        Column(
            "fold",
            "int64",
            "Test fold within the repeat, from 0. Under holdout the test set is fold 0 in every "
            "repeat, and -1 is a clip that is never tested and may be trained on.",
            minimum=-1,
        ),
        Column(
            "rank",
            "int64",
            "Place in the draw order of its variant, label and repeat, from 0: a round robin over "
            "recordings. The training subset of fold f and size n is the first n per class that "
            "are not in fold f.",
            minimum=0,
        ),
        Column(
            "folds",
            "int64",
            "Number of folds K that was possible; 1 under holdout.",
            minimum=1,
        ),
    ),
    unique=("variant", "clip_id", "repeat"),
)

EMBEDDINGS = Table(
    "embeddings",
    "One row a clip of the variant the model reads; unusable clips are rows with a reason.",
    (
        CLIP_ID,
        VARIANT,
        LABEL,
        RECORDING,
        Column("uri", "string", "Where the object lies."),
        Column("size", "int64", "Size of the object.", unit="bytes", minimum=0),
        CHECKSUM,
        Column(
            "sha256",
            "string",
            "SHA-256 of the bytes that were read; empty if not read.",
            nullable=True,
        ),
        Column(
            "status", "string", "Whether it is used.", values=("ok", "duplicate", "quarantined")
        ),
        Column(
            "reason",
            "string",
            "Why a clip is quarantined; empty otherwise.",
            nullable=True,
            values=tuple(QUARANTINE_REASONS),
        ),
        Column("detail", "string", "The reason in plain words, with figures.", nullable=True),
        Column("seconds", "float64", "Duration.", unit="s", nullable=True, minimum=0),
        Column("windows", "int64", "Windows averaged.", nullable=True, minimum=1),
        Column(
            "class_score",
            "float64",
            "Encoder's own score for the species: maximum over SPECIES_CLASSES and windows; empty "
            "when the encoder knows no such class.",
            nullable=True,
        ),
        Column("embedding", "vector", "Mean over windows; empty unless ok.", nullable=True),
        ENCODER,
        FINGERPRINT,
    ),
    unique=("clip_id",),
)

FOLD_SCORES = Table(
    "fold_scores",
    "One row a repeat, fold, training size and metric. A species that allows no evaluation has one "
    "row, with the reason alone.",
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
    "Out-of-fold score of every usable clip at every training size and repeat; under holdout, of "
    "every clip of the test set.",
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
    "One row a bootstrap draw of recordings, training size and metric. A species that allows no "
    "evaluation has none.",
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
    Column("mean", "float64", "Mean over folds.", nullable=True, minimum=0, maximum=1),
    Column("ci_low", "float64", "Lower end of the interval.", nullable=True, minimum=0, maximum=1),
    Column("ci_high", "float64", "Upper end of the interval.", nullable=True, minimum=0, maximum=1),
    Column("ci_level", "float64", "Nominal coverage of the interval.", minimum=0, maximum=1),
    Column(
        "ci_method",
        "string",
        "How the interval was made: a t from folds and recordings; bootstrap over recordings; "
        "bootstrap over test recordings and training draws; a bound from the number of recordings, "
        "where no spread is seen; or none.",
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
"""What :func:`audio_assets.evaluate` returns; the pipeline adds what only it knows."""

EVALUATION = Table(
    "evaluation",
    "One row a training size and metric, of one set of embeddings.",
    CURVE_ROWS,
    unique=("training_size", "metric"),
)

LEARNING_CURVE = Table(
    "learning_curve",
    "One row a training size and metric of a species and model.",
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

MODEL_COMPARISON = Table(
    "model_comparison",
    "Two kinds of rows: `difference`, model_a minus model_b on the same test clips; and "
    "`clips_needed`, the smallest training size at which the lower bound of model_a reaches the "
    "target, with the range that the answer lies in.",
    (
        SPECIES,
        Column("kind", "string", "Kind of row.", values=("difference", "clips_needed")),
        Column("model_a", "string", "Model."),
        Column("model_b", "string", "Model compared with; empty for clips_needed.", nullable=True),
        METRIC,
        Column(
            "training_size",
            "int64",
            "Clips per class compared at, or needed; empty where the target is not reached.",
            unit="clips per class",
            nullable=True,
            minimum=0,
        ),
        Column("difference", "float64", "Mean of model_a minus model_b over folds.", nullable=True),
        Column("ci_low", "float64", "Lower end of its interval.", nullable=True),
        Column("ci_high", "float64", "Upper end of its interval.", nullable=True),
        Column("ci_level", "float64", "Nominal coverage.", minimum=0, maximum=1),
        Column(
            "p_value",
            "float64",
            "Two-sided, a t from folds and recordings; under holdout with the bootstrap's error.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "p_holm",
            "float64",
            "p_value by Holm over the pairs of models at this species, size and metric.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "distinct_folds",
            "int64",
            "Distinct test folds compared on; empty under holdout.",
            nullable=True,
            minimum=1,
        ),
        Column(
            "target",
            "float64",
            "TARGET_AUC; empty for differences.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "needed_low",
            "int64",
            "Smallest size whose upper bound reaches the target, so that fewer clips are not "
            "enough; empty for differences and where no upper bound does.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "needed_high",
            "int64",
            "Smallest size from which on every lower bound reaches the target; empty for "
            "differences and where the lower bound at the largest size does not: more than "
            "largest_size may be needed.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "largest_size",
            "int64",
            "Largest size evaluated, beyond which nothing is said; empty for differences.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column("status", "string", "`ok`, or why a value is empty."),
    ),
    unique=("species", "kind", "model_a", "model_b", "metric", "training_size"),
)

LEAK_CHECK = Table(
    "leak_check",
    "What folds over clips, instead of recordings, would have shown at the largest training size. "
    "One row.",
    (
        SPECIES,
        MODEL,
        Column(
            "training_size",
            "int64",
            "Largest training size.",
            unit="clips per class",
            nullable=True,
            minimum=0,
        ),
        Column(
            "auc_clips",
            "float64",
            "ROC-AUC under folds over clips, mean over folds.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "auc_recordings",
            "float64",
            "ROC-AUC under folds over recordings, mean over folds.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("difference", "float64", "auc_clips minus auc_recordings.", nullable=True),
        Column(
            "ci_low",
            "float64",
            "Lower end of the interval of the difference over new draws of folds of these clips; "
            "it says nothing of other recordings.",
            nullable=True,
        ),
        Column("ci_high", "float64", "Upper end of that interval.", nullable=True),
        Column("ci_level", "float64", "Nominal coverage.", minimum=0, maximum=1),
        Column("status", "string", "`ok`, or why a value is empty."),
    ),
    unique=("species", "model"),
)

CALIBRATION = Table(
    "calibration",
    "Out-of-fold probabilities at the largest training size against what came true, both classes "
    "weighted equally: one row a model and bin, none of a model whose scores are no probabilities.",
    (
        SPECIES,
        MODEL,
        Column(
            "training_size",
            "int64",
            "Largest training size.",
            unit="clips per class",
            minimum=1,
        ),
        Column("bin", "int64", "Place of the bin, from 0, the lowest probabilities.", minimum=0),
        Column("predicted", "float64", "Mean probability in the bin.", minimum=0, maximum=1),
        Column("observed", "float64", "Share of positives in the bin.", minimum=0, maximum=1),
        Column(
            "weight",
            "float64",
            "Share of all predictions that lie in the bin. Expected calibration error is the sum "
            "of weight * |predicted - observed|.",
            minimum=0,
            maximum=1,
        ),
        Column("clips", "int64", "Distinct clips in the bin.", minimum=1),
        Column("recordings", "int64", "Distinct recordings in the bin.", minimum=1),
    ),
    unique=("species", "model", "bin"),
)

FINDING_KINDS = {
    "leak": "what folds over clips would have shown",
    "confound": "ROC-AUC of the labels from a property of the files alone",
    "site": "all sites of a class hold no clip of the other",
    "look_alike": "recording ids that look like parts of one recording",
}
"""Kinds of rows of ``findings`` with their meaning."""

FINDINGS = Table(
    "findings",
    "What a reader should know of a species' clips before trusting its numbers.",
    (
        SPECIES,
        Column("kind", "string", "Kind of finding.", values=tuple(FINDING_KINDS)),
        Column("model", "string", "Model, of a leak; empty otherwise.", nullable=True),
        Column("variant", "string", VARIANT.description, nullable=True, values=VARIANTS),
        Column(
            "subject",
            "string",
            "Property of the files (`all` for all of them together), label of the class, or names "
            "of recordings; empty for a leak.",
            nullable=True,
        ),
        Column(
            "value",
            "float64",
            "AUC difference of a leak, AUC of a confound; empty otherwise.",
            nullable=True,
        ),
        Column("ci_low", "float64", "Lower end of its interval.", nullable=True),
        Column("ci_high", "float64", "Upper end of its interval.", nullable=True),
        Column(
            "count",
            "int64",
            "Training clips per class of a leak; sites or recordings of the others.",
            nullable=True,
            minimum=0,
        ),
        Column("detail", "string", "Names that the finding is about.", nullable=True),
        Column("warning", "bool", "Whether the numbers of the species are in doubt for it."),
        Column("status", "string", "`ok`, or why a value is empty."),
    ),
    unique=("species", "kind", "model", "variant", "subject"),
)

HARD_CLIPS = Table(
    "hard_clips",
    "The clips that the best model of a species gets most wrong at its largest training size, a "
    "few of each class: what to look at for wrong labels.",
    (
        SPECIES,
        Column("model", "string", "Model with the highest ROC-AUC at its largest training size."),
        Column(
            "training_size",
            "int64",
            "That size; 0 is the encoder's own class score.",
            unit="clips per class",
            minimum=0,
        ),
        LABEL,
        Column("place", "int64", "Place in the class, from 0, the most wrong.", minimum=0),
        CLIP_ID,
        VARIANT,
        RECORDING,
        Column("score", "float64", "Out-of-fold score, mean over repeats."),
        Column("is_probability", "bool", "Whether `score` is a probability."),
        Column(
            "misranked",
            "float64",
            "Share of the clips of the other class in its test folds that lie on its wrong side, "
            "mean over repeats.",
            minimum=0,
            maximum=1,
        ),
        Column("seconds", "float64", "Duration.", unit="s", nullable=True, minimum=0),
        Column(
            "picture",
            "binary",
            "Log-mel spectrogram as WebP; empty where `misranked` is 0 or with a fault.",
            nullable=True,
        ),
        Column("sound", "binary", "The clip as MP3; empty as `picture`.", nullable=True),
        Column("fault", "string", "Why there is no picture and sound.", nullable=True),
        FINGERPRINT,
        SPLIT_PLAN,
        CODE_VERSION,
    ),
    unique=("species", "label", "place"),
)

EMBEDDING_MAP = Table(
    "embedding_map",
    "The clips of a species on a plane: the first two principal components of its best model's "
    "embeddings, each scaled to length 1. One row a clip.",
    (
        SPECIES,
        Column("model", "string", "Model with the highest ROC-AUC at its largest training size."),
        Column(
            "training_size",
            "int64",
            "That size; the map does not depend on it.",
            unit="clips per class",
            minimum=0,
        ),
        CLIP_ID,
        VARIANT,
        LABEL,
        RECORDING,
        Column("x", "float64", "First principal component.", minimum=-2, maximum=2),
        Column("y", "float64", "Second principal component.", minimum=-2, maximum=2),
        Column(
            "variance_x",
            "float64",
            "Share of the variance along x; empty where the embeddings are all equal.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "variance_y",
            "float64",
            "Share of the variance along y; empty as `variance_x`.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        FINGERPRINT,
        SPLIT_PLAN,
        CODE_VERSION,
    ),
    unique=("species", "clip_id"),
)

QUARANTINE = Table(
    "quarantine",
    "Clips that could not be used, and why.",
    (
        SPECIES,
        VARIANT,
        LABEL,
        CLIP_ID,
        Column("uri", "string", "Where the object lies."),
        Column("size", "int64", "Size of the object.", unit="bytes", minimum=0),
        CHECKSUM,
        Column("reason", "string", "From a fixed vocabulary.", values=tuple(QUARANTINE_REASONS)),
        Column("detail", "string", "The reason in plain words, with figures."),
    ),
    unique=("species", "variant", "clip_id"),
)

REPORTED_CLIPS = Table(
    "reported_clips",
    "The clips that the report last knew of, kept beside it to tell which ones are gone.",
    (
        SPECIES,
        VARIANT,
        CLIP_ID,
        CHECKSUM,
        Column(
            "removed", "bool", "Whether the clip went when the audio of its species last changed."
        ),
    ),
    unique=("species", "variant", "clip_id"),
)

ALL_TABLES = (
    AUDIO_INVENTORY,
    CLIP_DIGESTS,
    NEAR_DUPLICATES,
    CLIP_PROPERTIES,
    BALANCED_MANIFEST,
    EMBEDDINGS,
    FOLD_SCORES,
    FOLD_PREDICTIONS,
    BOOTSTRAP_SCORES,
    EVALUATION,
    LEARNING_CURVE,
    ROC_AUC_CHART,
    MODEL_COMPARISON,
    LEAK_CHECK,
    CALIBRATION,
    FINDINGS,
    HARD_CLIPS,
    EMBEDDING_MAP,
    QUARANTINE,
    REPORTED_CLIPS,
)
