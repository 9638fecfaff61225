"""Asset checks: conditions on a table before other stages use it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.evaluation.splits.recordings import FEW_RECORDINGS
from audio_assets.pipeline.current import StalenessOf, current_curves
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.failures import clear_failures
from audio_assets.pipeline.partitions import SPECIES, Partitions, split_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.signatures import with_parameters
from audio_assets.pipeline.stage_assets import FAN_IN
from audio_assets.settings import Settings
from audio_assets.tables import EMBEDDINGS
from audio_assets.tables.losses import loss_in_words

if TYPE_CHECKING:
    import pandas as pd


def build_checks(plan: AssetPlan, staleness_of: StalenessOf) -> Sequence[dg.AssetChecksDefinition]:
    """All asset checks of these settings."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; dagster is pinned, and the tests cover them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            _both_classes_present(plan.models, plan.roots),
            _enough_clips_and_recordings(plan.models),
            _clips_csv_names_the_clips(plan.settings, plan.roots),
            _embeddings_are_whole(plan.partitions, plan.roots, plan.models),
            _no_recording_straddles_folds(),
            _values_lie_in_their_range(plan.partitions),
            _results_are_of_this_audio(plan.settings, staleness_of),
            _few_recordings_joined(plan.settings),
            _few_clips_in_quarantine(plan.models),
            _nothing_gives_the_labels_away(plan.settings),
        ]


def _check(
    **options: Any,
) -> Callable[[Callable[..., dg.AssetCheckResult]], dg.AssetChecksDefinition]:
    """:func:`dagster.asset_check` of a function that may name types of pandas."""

    def decorate(function: Callable[..., dg.AssetCheckResult]) -> dg.AssetChecksDefinition:
        given = inspect.signature(function).parameters
        context = dg.AssetCheckExecutionContext
        read = {name: context if name == "context" else Any for name in given}
        return dg.asset_check(**options)(with_parameters(function, read))

    return decorate


def _both_classes_present(models: EnabledModels, roots: Roots) -> dg.AssetChecksDefinition:
    # No blocking: what follows has no rows for such a species, and says why.
    @_check(
        asset="audio_inventory",
        partitions_def=SPECIES,
        description="There are clips of both classes among those that the available models read; "
        "if not, mistakes in the layout are named.",
    )
    def both_classes_present(
        context: dg.AssetCheckExecutionContext, audio_inventory: pd.DataFrame
    ) -> dg.AssetCheckResult:
        from audio_assets.catalog.folder_counts import count_files
        from audio_assets.catalog.layout import species_mistakes
        from audio_assets.evaluation.doubts.class_counts import class_counts

        counts = class_counts(audio_inventory, models.available_variants)
        empty = [f"{c.variant}/{c.label}" for c in counts if c.clips == 0]
        found = []
        if empty:
            species = context.op_execution_context.partition_key
            found = [f"no usable clip under {', '.join(empty)}"]
            files = count_files(roots.audio, species)
            found += map(str, species_mistakes(species, files, models.available_variants))
        return dg.AssetCheckResult(
            passed=not empty,
            description="; ".join(found) or "both are there",
            metadata={f"clips {c.variant}/{c.label}": c.clips for c in counts},
        )

    return both_classes_present


def _enough_clips_and_recordings(models: EnabledModels) -> dg.AssetChecksDefinition:
    smallest = min((size for size in models.settings.training_sizes if size), default=0)

    @_check(
        asset="audio_inventory",
        partitions_def=SPECIES,
        description=f"A warning with fewer than {FEW_RECORDINGS} recordings of a class, below "
        f"which intervals are wide or missing, or with {smallest} clips or fewer, which leave none "
        "to test on.",
    )
    def enough_clips_and_recordings(audio_inventory: pd.DataFrame) -> dg.AssetCheckResult:
        from audio_assets.evaluation.doubts.class_counts import class_counts, shortages

        counts = class_counts(audio_inventory, models.available_variants)
        short = shortages(counts, recordings=FEW_RECORDINGS, clips=smallest + 1)
        return dg.AssetCheckResult(
            passed=not short,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(short) or "enough of both classes",
            metadata={f"recordings {c.variant}/{c.label}": c.recordings for c in counts},
        )

    return enough_clips_and_recordings


def _clips_csv_names_the_clips(settings: Settings, roots: Roots) -> dg.AssetChecksDefinition:
    @_check(
        asset="audio_inventory",
        partitions_def=SPECIES,
        description="A warning where clips.csv has lines for a species and some fit none of its "
        "clips, or some clips have none.",
    )
    def clips_csv_names_the_clips(
        context: dg.AssetCheckExecutionContext, audio_inventory: pd.DataFrame
    ) -> dg.AssetCheckResult:
        from audio_assets.catalog.recordings import NO_LINE, read_recording_rules
        from audio_assets.reporting.words.finding_words import clips_csv_warning

        species = context.op_execution_context.partition_key
        with clear_failures():
            rules = read_recording_rules(roots.audio, settings.recording_patterns)
        lines = rules.lines_without_clip(species, audio_inventory)
        unnamed = int(audio_inventory["recording_rule"].str.endswith(NO_LINE).sum())
        warning = clips_csv_warning(len(audio_inventory), unnamed, lines)
        return dg.AssetCheckResult(
            passed=warning is None,
            severity=dg.AssetCheckSeverity.WARN,
            description=warning or "all lines fit a clip, and all clips have one, or none has",
            metadata={"clips without a line": unnamed, "lines without a clip": len(lines)},
        )

    return clips_csv_names_the_clips


def _embeddings_are_whole(
    partitions: Partitions, roots: Roots, models: EnabledModels
) -> dg.AssetChecksDefinition:
    @_check(
        asset="embeddings",
        additional_ins={"audio_inventory": dg.AssetIn("audio_inventory")},
        partitions_def=partitions.species_by_model,
        blocking=True,
        description="Every clip of the inventory has a row, and every embedding the encoder's "
        "dimension and finite numbers.",
    )
    def embeddings_are_whole(
        context: dg.AssetCheckExecutionContext, audio_inventory: pd.DataFrame
    ) -> dg.AssetCheckResult:
        from audio_assets.embeddings.table import embedding_faults
        from audio_assets.results.parquet import read_pieces

        model, species = split_key(context.op_execution_context.partition_key)
        variant = models.settings.variant(model)
        with clear_failures():
            path = roots.results.table(EMBEDDINGS.name, model, species)
            # Not as an input: that would hold the whole table.
            faults = embedding_faults(
                read_pieces(path, EMBEDDINGS, ("clip_id", "status", "embedding")),
                audio_inventory,
                variant=variant,
                dimension=models.load_encoder(model).dimension,
            )
        return dg.AssetCheckResult(
            passed=not faults,
            description="; ".join(faults) or "whole",
            metadata={"clips": int((audio_inventory["variant"] == variant).sum())},
        )

    return embeddings_are_whole


def _values_lie_in_their_range(partitions: Partitions) -> dg.AssetChecksDefinition:
    @_check(
        asset="learning_curve",
        partitions_def=partitions.species_by_model,
        blocking=True,
        description="Every metric lies in [0, 1], and within its interval.",
    )
    def values_lie_in_their_range(learning_curve: pd.DataFrame) -> dg.AssetCheckResult:
        from audio_assets.evaluation.intervals.learning_curve import out_of_range

        wrong = out_of_range(learning_curve)
        return dg.AssetCheckResult(
            passed=not wrong,
            description="; ".join(wrong[:20]) or "all in range",
            metadata={"values": int(learning_curve["mean"].notna().sum())},
        )

    return values_lie_in_their_range


def _results_are_of_this_audio(
    settings: Settings, staleness_of: StalenessOf
) -> dg.AssetChecksDefinition:
    @_check(
        asset="roc_auc_chart",
        additional_ins={
            "balanced_manifest": dg.AssetIn("balanced_manifest"),
            "learning_curve": dg.AssetIn("learning_curve", metadata=FAN_IN.metadata),
        },
        partitions_def=SPECIES,
        description="A warning when a model's result is of earlier audio or settings; it is then "
        "left out of the chart.",
    )
    def results_are_of_this_audio(
        context: dg.AssetCheckExecutionContext,
        roc_auc_chart: pd.DataFrame,
        balanced_manifest: pd.DataFrame,
        learning_curve: Mapping[str, pd.DataFrame],
    ) -> dg.AssetCheckResult:
        current = current_curves(
            settings, staleness_of(context.instance), balanced_manifest, learning_curve
        )
        outdated = learning_curve.keys() - current
        return dg.AssetCheckResult(
            passed=not outdated,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"of earlier audio or settings: {', '.join(sorted(outdated)) or 'none'}",
        )

    return results_are_of_this_audio


def _no_recording_straddles_folds() -> dg.AssetChecksDefinition:
    @_check(
        asset="balanced_manifest", blocking=True, partitions_def=SPECIES, description=_STRADDLES
    )
    def no_recording_straddles_folds(balanced_manifest: pd.DataFrame) -> dg.AssetCheckResult:
        folds = balanced_manifest.groupby(["repeat", "recording_id"])["fold"].nunique()
        straddling = sorted({recording for _, recording in folds.index[folds > 1]})
        return dg.AssetCheckResult(
            passed=not straddling,
            metadata={
                "recordings": int(balanced_manifest["recording_id"].nunique()),
                "straddling": ", ".join(straddling[:20]) or "none",
            },
        )

    return no_recording_straddles_folds


def _few_recordings_joined(settings: Settings) -> dg.AssetChecksDefinition:
    above = settings.duplicate_cosine

    @_check(
        asset="near_duplicates",
        additional_ins={"audio_inventory": dg.AssetIn("audio_inventory")},
        partitions_def=SPECIES,
        description="A warning when near-duplicate clips make one of more than a quarter of a "
        "species' recordings.",
    )
    def few_recordings_joined(
        near_duplicates: pd.DataFrame, audio_inventory: pd.DataFrame
    ) -> dg.AssetCheckResult:
        from audio_assets.evaluation.doubts.near_duplicates import joined_groups, joins_too_many

        groups = joined_groups(near_duplicates)
        largest = max(map(len, groups), default=0)
        recordings = int(audio_inventory["recording_id"].nunique())
        return dg.AssetCheckResult(
            passed=not joins_too_many(largest, recordings),
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{largest} of {recordings} recordings count as one; if their clips are no "
                f"copies, AUDIO_ASSETS_DUPLICATE_COSINE ({above:g}) is too low for this audio"
                if largest
                else "no recordings are joined"
            ),
            metadata={
                "recordings in the largest group": largest,
                "joined groups": len(groups),
                "recordings": recordings,
            },
        )

    return few_recordings_joined


def _few_clips_in_quarantine(models: EnabledModels) -> dg.AssetChecksDefinition:
    settings = models.settings
    warn, error = settings.quarantine_warn_share, settings.quarantine_error_share

    @_check(
        asset="quarantine",
        additional_ins={"audio_inventory": dg.AssetIn("audio_inventory")},
        partitions_def=SPECIES,
        description=f"A warning above {warn:.4g} of the clips in quarantine, an error above "
        f"{error:.4g}.",
    )
    def few_clips_in_quarantine(
        context: dg.AssetCheckExecutionContext,
        quarantine: pd.DataFrame,
        audio_inventory: pd.DataFrame,
    ) -> dg.AssetCheckResult:
        from audio_assets.catalog.quarantine import quarantine_share

        species = context.op_execution_context.partition_key
        found = quarantine_share(quarantine, audio_inventory, species, models.available_variants)
        return dg.AssetCheckResult(
            passed=found.share <= warn,
            severity=(
                dg.AssetCheckSeverity.ERROR if found.share > error else dg.AssetCheckSeverity.WARN
            ),
            description=(
                loss_in_words(found.quarantined, found.clips, found.reasons)
                if found.quarantined
                else f"all {found.clips} clips could be used"
            ),
            metadata={
                "quarantined": found.quarantined,
                "clips": found.clips,
                "share": found.share,
            },
        )

    return few_clips_in_quarantine


def _nothing_gives_the_labels_away(settings: Settings) -> dg.AssetChecksDefinition:
    limit = settings.confound_warn_auc

    @_check(
        asset="findings",
        partitions_def=SPECIES,
        description=f"A warning where properties of the files tell the labels apart with an AUC of "
        f"at least {limit:g}, where a class comes from a few sites of its own, where recording "
        "ids look like parts of one recording, where ROC-AUC is higher for pairs of clips of one "
        "recording, and where much of the positives' sound lies above what a model hears.",
    )
    def nothing_gives_the_labels_away(findings: pd.DataFrame) -> dg.AssetCheckResult:
        from audio_assets.reporting.words.finding_words import warnings_of

        found = warnings_of(findings.to_dict("records"))
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(found) or "nothing found",
            metadata={"warnings": len(found)},
        )

    return nothing_gives_the_labels_away


_STRADDLES = (
    "In every repeat, all clips of a recording lie in one fold, or all in the fixed test set or "
    "all outside it, whatever their variant."
)
