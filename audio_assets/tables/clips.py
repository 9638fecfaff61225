"""Tables of clips: listed, compared, planned, embedded and left out."""

from audio_assets.tables.columns import (
    CHECKSUM,
    CLIP_ID,
    ENCODER,
    FINGERPRINT,
    LABEL,
    LABELS,
    RECORDING,
    REPEAT,
    SPECIES,
    VARIANT,
)
from audio_assets.tables.schema import Column, Table

QUARANTINE_REASONS = {
    "empty_file": "the file has no bytes",
    "no_samples": "the file has a header and no samples",
    "not_audio": "the file is not audio in a format that can be read",
    "needs_extra": "the file is of a format that is read with the extra `formats` only",
    "undecodable": "the file is damaged or cut off and does not decode",
    "too_short": "the clip is shorter than MIN_SECONDS",
    "too_long": "the clip is longer than MAX_SECONDS",
    "too_large": "the clip has more samples than MAX_SAMPLES, or the file bytes for more",
    "non_finite": "the clip has samples that are NaN or infinite",
    "silent": "every sample of the clip has the same value",
    "unreadable": "the file could not be read from storage",
    "folder": "clips in a folder under pos or neg are not read",
    "link_out_of_root": "a link that leads out of the audio root is not read",
    "both_labels": "the same bytes are labelled pos and neg in this species",
}
"""Why a clip is not used: the fixed vocabulary of ``quarantine.csv`` with its meaning."""

NO_CLIPS = ("folder", "link_out_of_root")
"""Statuses in the inventory of entries found in place of a clip that are not clips."""

AUDIO_INVENTORY = Table(
    "audio_inventory",
    "One row per object under data/ and data_5s/ of a species; a listing, nothing is decoded.",
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
            "How recording_id was found: `clips.csv`, the pattern that matched, or `stem`; the "
            "last two with `(no line in clips.csv)` where clips.csv has lines for the species.",
        ),
        Column(
            "status",
            "string",
            "`ok`; `duplicate` of a clip with the same label; `both_labels` when quarantined for "
            "being labelled pos and neg; `folder` and `link_out_of_root` when quarantined for "
            "being one.",
            values=("ok", "duplicate", "both_labels", "folder", "link_out_of_root"),
        ),
        Column(
            "duplicate_of",
            "string",
            "clip_id of the copy that is used, or of the contradicting clip; empty when ok.",
        ),
        Column(
            "file_state",
            "string",
            "Inode number, modification and change time of a local file, from which the next "
            "listing sees that the checksum is still valid; empty in a bucket, and where the file "
            "had only just changed.",
        ),
    ),
    unique=("variant", "clip_id"),
)

CONTENT = Column(
    "content",
    "string",
    "`sha256:{hex digest}` of the bytes, wherever the clip is stored; for a file of more than 64 "
    "MiB, `ends:{hex digest}` of its size and its first and last 64 KiB.",
)

CLIP_DIGESTS = Table(
    "clip_digests",
    "Identity of each clip by its bytes: one row per clip to be used. The kind of checksum in a "
    "listing depends on the storage; splits are drawn by these digests.",
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
    "Pairs of clips that sound the same by the cosine of their embeddings. Groups of clips that "
    "are all alike are listed as the fewest pairs that connect them.",
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
            "Whether both have the same recording anyway; if not, the split plan treats the two "
            "recordings as one.",
        ),
        ENCODER,
        FINGERPRINT,
    ),
    unique=("variant", "clip_id_a", "clip_id_b"),
)

SPECTRUM_EDGES_HZ = (
    0.0,
    *(500.0 * 2.0 ** (step / 3) for step in range(9)),
    *(4000.0 * 2.0 ** (step / 12) for step in range(81)),
)
"""Edges of the bands of ``spectrum``.

One band below 500 Hz, three per octave up to 4 kHz, and twelve per octave up to 406 kHz. They are
the same for every clip and model, so that no clip has to be read again for a model with another
sample rate. The bands below 4 kHz are coarser, since nearly every model hears them.
"""

CLIP_PROPERTIES = Table(
    "clip_properties",
    "Properties of a clip that need no listening: one row per clip that can be decoded.",
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
        Column(
            "spectrum",
            "vector",
            "Mean power of the channels' mean, relative to full scale, in frequency bands: one "
            "below 500 Hz, three per octave up to 4 kHz, and twelve per octave up to 406 kHz.",
        ),
        Column(
            "note",
            "string",
            "Oddity in reading the file, such as a header with a wrong length; empty otherwise.",
            nullable=True,
        ),
        Column("method", "int64", "Version of the measurement that made the row.", minimum=1),
    ),
    unique=("variant", "clip_id"),
)

BALANCED_MANIFEST = Table(
    "balanced_manifest",
    "The split plan of a species, shared by all models: one row per usable clip, variant, repeat "
    "and held-out fold. "
    "Recordings that share near-duplicate clips have one recording_id here.",
    (
        CLIP_ID,
        VARIANT,
        LABEL,
        RECORDING,
        Column(
            "checksum",
            "string",
            "The clip's `content` in clip_digests: the order that the plan was drawn in.",
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
            "held_out_fold",
            "int64",
            "The fold whose training `rank` is for, from 0; 0 under holdout. Empty in tables of an "
            "earlier version, which had one order for all folds of a repeat.",
            minimum=0,
            nullable=True,
        ),
        Column(
            "rank",
            "int64",
            "Place in the draw order of its variant, label, repeat and held-out fold, from 0: a "
            "round robin over recordings. The training subset of fold f and size n is the first n "
            "per class, among the rows whose held_out_fold is f, that are not in fold f.",
            minimum=0,
        ),
        Column(
            "folds",
            "int64",
            "Number of folds K that was possible; 1 under holdout.",
            minimum=1,
        ),
    ),
    unique=("variant", "clip_id", "repeat", "held_out_fold"),
)

EMBEDDINGS = Table(
    "embeddings",
    "One row per clip of the variant the model reads; unusable clips have a reason.",
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
        Column(
            "heard_before",
            "float64",
            "Duration that an earlier version had read of the clip, which was therefore embedded "
            "again; empty where nothing changed.",
            unit="s",
            nullable=True,
            minimum=0,
        ),
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
    "The clips in the last report, kept beside it to detect the ones that were removed.",
    (
        SPECIES,
        VARIANT,
        CLIP_ID,
        CHECKSUM,
        Column(
            "removed",
            "bool",
            "Whether the clip was removed when the audio of its species last changed.",
        ),
    ),
    unique=("species", "variant", "clip_id"),
)
