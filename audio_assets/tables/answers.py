"""The table of answers: one row per species, for a person to act on."""

from audio_assets.tables.columns import SPECIES
from audio_assets.tables.schema import Column, Table

LIMITS = ("training", "proof", "confound", "leak", "labels", "nothing")

ANSWER = Table(
    "answer",
    "One row per species: the recommended model, whether the training clips are enough, whether "
    "the target is proven, and what to do next.",
    (
        SPECIES,
        Column(
            "model",
            "string",
            "Recommended model; empty where none can be recommended, as `status` says.",
            nullable=True,
        ),
        Column("chosen_for", "string", "Why this model; empty without one.", nullable=True),
        Column(
            "tied",
            "string",
            "Models, separated by commas, that the Holm-adjusted comparison at the largest common "
            "size does not distinguish from the recommended one; empty if there are none.",
            nullable=True,
        ),
        Column(
            "tied_doubt",
            "float64",
            "AUC by which the best of the tied models may be better, the upper end of the adjusted "
            "interval; empty without tied models, and where one of them has no interval.",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column(
            "not_compared",
            "string",
            "Models, separated by commas, that had no part in the choice: they have no ROC-AUC "
            "with training, or a largest training size below half of that of the longest curve.",
            nullable=True,
        ),
        Column(
            "cpu_seconds_per_hour",
            "float64",
            "CPU time that the encoder of the recommended model takes, as it is declared with the "
            "encoder and not as this run measured it; empty where none is declared.",
            unit="CPU seconds per hour of audio",
            nullable=True,
            minimum=0,
        ),
        Column(
            "at",
            "int64",
            "Recommended training size: enough_at, or the largest where that is empty.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column("auc", "float64", "ROC-AUC at that size.", nullable=True, minimum=0, maximum=1),
        Column(
            "ci_low", "float64", "Lower end of its interval.", nullable=True, minimum=0, maximum=1
        ),
        Column(
            "ci_high", "float64", "Upper end of its interval.", nullable=True, minimum=0, maximum=1
        ),
        Column(
            "enough_at",
            "int64",
            "Smallest size from which on the largest gains at most `margin`: the upper end of the "
            "paired interval. Above half of the largest only if the last doubling shows no rise. "
            "Empty where that is not shown.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "largest_size",
            "int64",
            "Largest training size of the model.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "gain_from",
            "int64",
            "Size that gain_last_doubling counts from: the largest that is at most half of the "
            "largest; empty if there is none.",
            unit="clips per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "gain_last_doubling",
            "float64",
            "ROC-AUC that the largest size gains over gain_from.",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column("gain_low", "float64", "Lower end of its paired interval.", nullable=True),
        Column("gain_high", "float64", "Upper end of its paired interval.", nullable=True),
        Column("gain_status", "string", "`ok`, or why no gain is known."),
        Column("margin", "float64", "MARGIN_AUC: a gain or loss that does not matter.", minimum=0),
        Column("target", "float64", "TARGET_AUC.", minimum=0, maximum=1),
        Column("proven", "bool", "Whether ci_low reaches the target."),
        Column(
            "recordings",
            "int64",
            "Disjoint pairs of a positive and a negative recording that were tested.",
            nullable=True,
            minimum=0,
        ),
        Column(
            "recordings_to_prove",
            "int64",
            "A plan: recordings of each class with which the lower end would reach the target with "
            "a probability of 0.8, if the AUC is what it seems. Empty where it is proven, and "
            "where no number can be named.",
            unit="recordings per class",
            nullable=True,
            minimum=1,
        ),
        Column(
            "proof_status", "string", "`ok`, `proven`, or why no number of recordings is named."
        ),
        Column("limited_by", "string", "What keeps the answer from being better.", values=LIMITS),
        Column("next", "string", "What to do next."),
        Column("status", "string", "`ok`, or why no model is recommended."),
    ),
    unique=("species",),
)
