"""The table of comparisons: differences between models, and clips needed."""

from audio_assets.tables.columns import METRIC, SPECIES
from audio_assets.tables.schema import Column, Table

MODEL_COMPARISON = Table(
    "model_comparison",
    "Three kinds of rows: `difference`, model_a minus model_b on the same test clips; `gain`, "
    "model_a at its largest training size minus at a smaller one, in the same folds; and "
    "`clips_needed`, the smallest training size at which the lower bound of model_a reaches the "
    "target, with the range that the answer lies in.",
    (
        SPECIES,
        Column("kind", "string", "Kind of row.", values=("difference", "gain", "clips_needed")),
        Column("model_a", "string", "Model."),
        Column("model_b", "string", "Model compared with; only of differences.", nullable=True),
        METRIC,
        Column(
            "training_size",
            "int64",
            "Clips per class compared at, from which a gain is counted, or needed; empty where the "
            "target is not reached.",
            unit="clips per class",
            nullable=True,
            minimum=0,
        ),
        Column(
            "difference",
            "float64",
            "Mean of model_a minus model_b over folds, or of largest_size minus training_size.",
            nullable=True,
        ),
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
            "holm_low",
            "float64",
            "Lower end of the interval that holds together with those of all pairs of models that "
            "p_holm does not tell apart at this species, size and metric; only of differences.",
            nullable=True,
        ),
        Column("holm_high", "float64", "Upper end of that interval.", nullable=True),
        Column(
            "distinct_folds",
            "int64",
            "Distinct sets of positive, or negative, test clips compared on, whichever are fewer; "
            "empty under holdout.",
            nullable=True,
            minimum=1,
        ),
        Column(
            "target",
            "float64",
            "TARGET_AUC; only of clips_needed.",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "needed_low",
            "int64",
            "Smallest size whose upper bound reaches the target, so that fewer clips are not "
            "enough; only of clips_needed, and empty where no upper bound does.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "needed_high",
            "int64",
            "Smallest size from which on every lower bound reaches the target; only of "
            "clips_needed, and empty where the lower bound at the largest size does not: more than "
            "largest_size may be needed.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "largest_size",
            "int64",
            "Largest size evaluated; no statement is made beyond it. Empty for differences.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column("status", "string", "`ok`, or why a value is empty."),
    ),
    unique=("species", "kind", "model_a", "model_b", "metric", "training_size"),
)
