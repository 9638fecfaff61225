"""Tables of reasons to doubt the scores, and of clips worth inspecting."""

from audio_assets.tables.columns import (
    CLIP_ID,
    CODE_VERSION,
    FINGERPRINT,
    LABEL,
    MODEL,
    RECORDING,
    SPECIES,
    SPLIT_PLAN,
    VARIANT,
    VARIANTS,
)
from audio_assets.tables.schema import Column, Table

LEAK_CHECK = Table(
    "leak_check",
    "The ROC-AUC that folds over clips, instead of recordings, would have shown at the largest "
    "training size, and the ROC-AUC without pairs of clips from one recording. One row.",
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
            "it does not extend to other recordings.",
            nullable=True,
        ),
        Column("ci_high", "float64", "Upper end of that interval.", nullable=True),
        Column("ci_level", "float64", "Nominal coverage.", minimum=0, maximum=1),
        Column(
            "status", "string", "`ok`, with the folds that have no AUC, or why a value is empty."
        ),
        Column(
            "same_recording",
            "float64",
            "Share of the tested pairs of a positive and a negative clip that come from one "
            "recording, mean over folds.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "auc_other_recordings",
            "float64",
            "ROC-AUC of the pairs from different recordings, mean over the folds that have such "
            "pairs; the published one, `auc_recordings`, counts all pairs.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "pairs_status",
            "string",
            "`ok`, or in how many folds no pair is of different recordings.",
            nullable=True,
        ),
    ),
    unique=("species", "model"),
)

CALIBRATION = Table(
    "calibration",
    "Out-of-fold probabilities at the largest training size against observed frequencies, both "
    "classes weighted equally: one row per model and bin, none for a model whose scores are not "
    "probabilities.",
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
        Column(
            "floor",
            "float64",
            "Expected calibration error that perfectly calibrated probabilities would have on "
            "these clips by chance, mean over draws of the labels; the same in all bins of a "
            "model.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "floor_high",
            "float64",
            "95 % quantile of these draws.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
    ),
    unique=("species", "model", "bin"),
)

FINDING_KINDS = {
    "leak": "what folds over clips would have shown",
    "same_recording": "ROC-AUC without the pairs of clips of one recording",
    "confound": "ROC-AUC of the labels from a property of the files alone",
    "unknown_recordings": "clips that count as a recording each, as no rule knows their names",
    "site": "a class comes from a few sites that hardly hold a clip of the other",
    "look_alike": "recording ids that look like parts of one recording",
    "hearing": "energy of the positives above half the model's sample rate",
    "reading": "clips whose files were odd to read, and were used",
}
"""Kinds of rows of ``findings`` with their meaning."""

FINDINGS = Table(
    "findings",
    "Findings about a species' clips that a reader should know before trusting its numbers.",
    (
        SPECIES,
        Column("kind", "string", "Kind of finding.", values=tuple(FINDING_KINDS)),
        Column(
            "model", "string", "Model, of a leak, of same_recording and of hearing.", nullable=True
        ),
        Column("variant", "string", VARIANT.description, nullable=True, values=VARIANTS),
        Column(
            "subject",
            "string",
            "Property of the files (`all` for all of them together, `pairs` for what two of them "
            "are at once), label of the class, names of recordings, what energy of hearing is a "
            "share of, what is odd about files, or how many clips are of unknown recordings; empty "
            "for a leak and same_recording.",
            nullable=True,
        ),
        Column(
            "value",
            "float64",
            "AUC difference of a leak, AUC of a confound, AUC of the pairs of different "
            "recordings of same_recording, highest frequency in Hz that the model of hearing "
            "hears; empty otherwise.",
            nullable=True,
        ),
        Column(
            "auc",
            "float64",
            "Published AUC, of all pairs, of same_recording; empty otherwise.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "share",
            "float64",
            "Share of the tested pairs that are of one recording, of same_recording; share of the "
            "positives' energy that the model does not hear, mean over clips, of hearing; empty "
            "otherwise.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("ci_low", "float64", "Lower end of its interval.", nullable=True),
        Column("ci_high", "float64", "Upper end of its interval.", nullable=True),
        Column(
            "count",
            "int64",
            "Training clips per class of a model, sites or recordings, recordings that unknown "
            "ones would be by the pattern in `detail`, positive clips behind the share of hearing, "
            "or clips of reading.",
            nullable=True,
            minimum=0,
        ),
        Column(
            "detail",
            "string",
            "Names that the finding is about, or a setting to try.",
            nullable=True,
        ),
        Column(
            "source",
            "string",
            "What the sites of site were read from: recording ids, a part of these, or a column of "
            "clips.csv; empty otherwise.",
            nullable=True,
        ),
        Column(
            "clips",
            "int64",
            "Clips of the class that come from the sites of site; empty otherwise.",
            nullable=True,
            minimum=0,
        ),
        Column(
            "of_clips",
            "int64",
            "Clips of the class in all, of site; empty otherwise.",
            nullable=True,
            minimum=0,
        ),
        Column("warning", "bool", "Whether the numbers of the species are in doubt for it."),
        Column("status", "string", "`ok`, or why a value is empty or settles nothing."),
    ),
    unique=("species", "kind", "model", "variant", "subject"),
)

HARD_CLIPS = Table(
    "hard_clips",
    "The clips that the best model of a species gets most wrong at its largest training size, a "
    "few of each class: the first to check for wrong labels.",
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
    "embeddings, each scaled to length 1. One row per clip.",
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
