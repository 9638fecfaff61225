"""Columns shared by several tables, and the values that they may take."""

from audio_assets.tables.schema import Column
from audio_assets.tables.task import PRESENCE

VARIANTS = ("data", "data_5s")
LABELS = PRESENCE.classes
METRICS = ("roc_auc", "average_precision", "recall_at_precision_90", "brier")
PROTOCOLS = ("cv", "holdout")

SPECIES = Column("species", "string", "Species folder the clips come from.")
MODEL = Column("model", "string", "Model: an encoder and a head, as on a chart's line.")
CLIP_ID = Column(
    "clip_id",
    "string",
    "`{label}/{stem}`; `{label}/{file name}` where another file has that stem or name.",
)
VARIANT = Column("variant", "string", "Folder the clip lies in.", values=VARIANTS)
LABEL = Column("label", "string", "Whether the species is heard in the clip.", values=LABELS)
RECORDING = Column(
    "recording_id",
    "string",
    "Source recording or site, the unit of every split; recordings that share equal bytes are one.",
)
CHECKSUM = Column(
    "checksum", "string", "`{algorithm}:{hex digest}` of the bytes, as shown by the listing."
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
