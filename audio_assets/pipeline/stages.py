"""Declare the stages: one row per asset, from which everything else about it derives.

Code versions, jobs, the tasks of the automation, the lineage of a learning curve, the inputs and
partitions of the assets, their expected files, and the rows of ``status`` come from this table. A
new stage consists of its file under ``assets/``, the definition of its table, and its row here.
The computation of a stage does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from audio_assets.results.layout import CHART_FORMATS, ResultsLayout
from audio_assets.settings import Settings

if TYPE_CHECKING:
    from upath import UPath

INVENTORY = "inventory"
ENCODERS = "encoders"
DUPLICATES = "duplicates"
SPLITS = "splits"
EXPERIMENT = "experiment"
CHARTS = "charts"
CHECKS = "checks"
ANSWERS = "answers"
REPORT = "report"


class Per(Enum):
    """Unit that a partition of a job represents."""

    ALL = "everything"
    MODEL = "model"
    SPECIES = "species"
    SPECIES_AND_MODEL = "species and model"


class Shown(Enum):
    """Rows of a stage's table that the report shows, of its fresh partitions."""

    OF_CURVES = "about models whose curves are shown, or about no model"
    OF_BEST_MODELS = "about the best model of a species, made from its curve"


@dataclass(frozen=True)
class Job:
    """A set of stages that are materialized together; they share their partitions.

    Attributes
    ----------
    per
        Unit of its partitions.
    description
        As the UI shows it.
    step
        What a run of one partition does, as the console shows it, with ``{species}`` and
        ``{model}``.
    """

    per: Per
    description: str
    step: str


JOBS: Mapping[str, Job] = {
    INVENTORY: Job(Per.SPECIES, "List the audio of a species.", "{species}: list the clips"),
    DUPLICATES: Job(
        Per.ALL,
        "Identify the encoder that finds near-duplicate clips.",
        "identify the encoder of near-duplicates",
    ),
    SPLITS: Job(
        Per.SPECIES,
        "Find the near-duplicate clips of a species and plan its splits.",
        "{species}: find near-duplicates and plan the splits",
    ),
    ENCODERS: Job(Per.MODEL, "Identify the encoder of a model.", "{model}: identify the encoder"),
    EXPERIMENT: Job(
        Per.SPECIES_AND_MODEL,
        "Embed, cross-validate and summarise one species with one model.",
        "{species}: embed, train and test {model}",
    ),
    CHARTS: Job(
        Per.SPECIES,
        "Draw and compare the models of a species.",
        "{species}: draw and compare the models",
    ),
    CHECKS: Job(
        Per.SPECIES,
        "Find what would cast doubt on the numbers of a species.",
        "{species}: check the data",
    ),
    ANSWERS: Job(
        Per.SPECIES,
        "Say which model to use for a species, and what to do next.",
        "{species}: decide on a model",
    ),
    REPORT: Job(Per.ALL, "Write the shared CSV files and the report.", "write the report"),
}
"""In the order in which they feed one another."""


def _table_file(results: ResultsLayout, name: str, partition: Sequence[str]) -> list[UPath]:
    return [results.table(name, *partition)]


def _no_file(results: ResultsLayout, name: str, partition: Sequence[str]) -> list[UPath]:
    return []


def _chart_files(results: ResultsLayout, name: str, partition: Sequence[str]) -> list[UPath]:
    (species,) = partition
    return [
        results.table(name, species),
        *(results.chart(species, form) for form in CHART_FORMATS),
    ]


def _report_files(results: ResultsLayout, name: str, partition: Sequence[str]) -> list[UPath]:
    return [
        results.learning_curves,
        results.comparisons,
        results.answers,
        results.quarantine,
        results.report,
    ]


Files = Callable[[ResultsLayout, str, Sequence[str]], list["UPath"]]


@dataclass(frozen=True)
class Stage:
    """A row: one asset.

    Attributes
    ----------
    name
        Name of the asset, of its table, and of its module under ``assets/``.
    job
        Key of :data:`JOBS`.
    version
        Raised by hand when the code behind the asset changes its content.
    settings
        Settings that change its content, and so are part of its code version.
    needs
        Stages without whose success it cannot be made.
    takes
        Stages whose results it takes as far as they are there; it waits for them to come to rest.
    optional
        Stages among those it takes, of the same partitions, without whose table it is made all the
        same. Their tables come as a dict with one table or none.
    current
        Whether it leaves out inputs that are out of date. It then looks again whenever anything
        behind a learning curve changes.
    reads_audio
        Whether it decodes clips: with the extra ``formats`` more of them can be used.
    shown
        Rows of its table that the report takes; None if it takes all, or none.
    made_by
        The stage whose op makes it too; empty if its own does.
    only_with
        Setting without which the stage does not exist; empty if it always does.
    files
        Files under the results root that a partition has.
    """

    name: str
    job: str
    version: int
    settings: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    current: bool = False
    reads_audio: bool = False
    shown: Shown | None = None
    made_by: str = ""
    only_with: str = ""
    files: Files = _table_file

    @property
    def inputs(self) -> tuple[str, ...]:
        """All upstream stages."""
        return (*self.needs, *self.takes)

    @property
    def reads_outside(self) -> bool:
        """Whether it has no file, since it only identifies an encoder."""
        return self.files is _no_file

    @property
    def per(self) -> Per:
        """Unit of its partitions."""
        return JOBS[self.job].per


_CLIP_LIMITS = ("min_seconds", "max_seconds", "max_samples")
_SCORING = ("training_sizes", "protocol", "seed")

_ROWS = (
    Stage("audio_inventory", INVENTORY, 5, ("recording_patterns",)),
    Stage("duplicate_encoder", DUPLICATES, 1, ("duplicate_encoder",), files=_no_file),
    Stage("clip_digests", SPLITS, 2, needs=("audio_inventory",)),
    Stage(
        "near_duplicates",
        SPLITS,
        4,
        ("duplicate_encoder", "duplicate_cosine", *_CLIP_LIMITS),
        needs=("audio_inventory", "duplicate_encoder"),
        reads_audio=True,
    ),
    Stage(
        "balanced_manifest",
        SPLITS,
        4,
        ("protocol", "folds", "holdout_per_class", "repeats", "seed"),
        needs=("audio_inventory", "clip_digests", "near_duplicates"),
    ),
    Stage("encoder_card", ENCODERS, 1, files=_no_file),
    Stage(
        "embeddings",
        EXPERIMENT,
        2,
        (*_CLIP_LIMITS, "species_classes"),
        needs=("audio_inventory", "encoder_card"),
        reads_audio=True,
    ),
    Stage(
        "fold_scores",
        EXPERIMENT,
        6,
        _SCORING,
        needs=("embeddings", "balanced_manifest", "encoder_card"),
    ),
    Stage(
        "fold_predictions",
        EXPERIMENT,
        6,
        _SCORING,
        needs=("embeddings", "balanced_manifest", "encoder_card"),
        made_by="fold_scores",
    ),
    Stage(
        "bootstrap_scores",
        EXPERIMENT,
        3,
        (*_SCORING, "bootstrap"),
        needs=("embeddings", "balanced_manifest", "encoder_card"),
        only_with="bootstrap",
    ),
    Stage(
        "learning_curve",
        EXPERIMENT,
        9,
        ("ci_level", "bootstrap"),
        needs=("audio_inventory", "fold_scores", "fold_predictions", "bootstrap_scores"),
    ),
    Stage(
        "leak_check",
        EXPERIMENT,
        6,
        ("ci_level",),
        needs=("audio_inventory", "embeddings", "fold_scores", "fold_predictions"),
    ),
    Stage(
        "roc_auc_chart",
        CHARTS,
        4,
        ("models", "perch_variant"),
        needs=("audio_inventory",),
        # Splits and encoders that fail make the chart lose the curves that they leave outdated.
        takes=("balanced_manifest", "encoder_card", "learning_curve"),
        current=True,
        files=_chart_files,
    ),
    Stage(
        "model_comparison",
        CHARTS,
        8,
        ("models", "ci_level", "target_auc"),
        takes=("balanced_manifest", "fold_scores", "fold_predictions", "learning_curve"),
        current=True,
        shown=Shown.OF_CURVES,
    ),
    Stage(
        "quarantine",
        CHARTS,
        1,
        # The shares change no row; they are here so that a new limit is checked by the next run.
        ("models", "quarantine_warn_share", "quarantine_error_share"),
        takes=("embeddings",),
    ),
    Stage(
        "clip_properties",
        CHECKS,
        2,
        _CLIP_LIMITS,
        needs=("audio_inventory",),
        reads_audio=True,
    ),
    Stage(
        "findings",
        CHECKS,
        7,
        ("models", "ci_level", "confound_warn_auc", "perch_variant"),
        needs=("audio_inventory", "balanced_manifest", "clip_properties"),
        takes=("leak_check",),
        shown=Shown.OF_CURVES,
    ),
    Stage(
        "calibration",
        CHECKS,
        2,
        ("models",),
        takes=("fold_predictions",),
        shown=Shown.OF_CURVES,
    ),
    Stage(
        "hard_clips",
        CHECKS,
        2,
        ("models", "perch_variant"),
        needs=("audio_inventory", "balanced_manifest"),
        takes=("fold_predictions", "learning_curve"),
        current=True,
        reads_audio=True,
        shown=Shown.OF_BEST_MODELS,
    ),
    Stage(
        "embedding_map",
        CHECKS,
        1,
        ("models", "perch_variant"),
        needs=("balanced_manifest",),
        takes=("embeddings", "learning_curve"),
        current=True,
        shown=Shown.OF_BEST_MODELS,
    ),
    Stage(
        "answer",
        ANSWERS,
        2,
        ("models", "target_auc", "margin_auc"),
        takes=("roc_auc_chart", "model_comparison", "findings"),
        optional=("roc_auc_chart", "model_comparison", "findings"),
        current=True,
        shown=Shown.OF_CURVES,
    ),
    Stage(
        "experiment_report",
        REPORT,
        17,
        (
            "models",
            "species",
            "ci_level",
            "target_auc",
            "species_classes",
            "perch_variant",
            "duplicate_encoder",
            "duplicate_cosine",
        ),
        takes=(
            "audio_inventory",
            "near_duplicates",
            "roc_auc_chart",
            "model_comparison",
            "quarantine",
            "findings",
            "calibration",
            "hard_clips",
            "embedding_map",
            "answer",
        ),
        current=True,
        files=_report_files,
    ),
)

STAGES: dict[str, Stage] = {row.name: row for row in _ROWS}
"""Stages by name, in the order of the data flow."""


def stages_of(settings: Settings) -> list[Stage]:
    """Stages that there are under these settings, in the order of the data flow."""
    return [
        stage
        for stage in STAGES.values()
        if not stage.only_with or getattr(settings, stage.only_with)
    ]


def stages_of_job(job: str, settings: Settings) -> tuple[str, ...]:
    """Names of the stages of a job, in the order of the data flow."""
    return tuple(stage.name for stage in stages_of(settings) if stage.job == job)
