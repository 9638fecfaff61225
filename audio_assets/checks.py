"""Asset checks: what must hold of a table before others build on it."""

import warnings
from collections.abc import Sequence
from typing import Any

import dagster as dg

from audio_assets.assets.plan import AssetPlan
from audio_assets.partitions import SPECIES


def build_checks(plan: AssetPlan) -> Sequence[dg.AssetChecksDefinition]:
    """All asset checks of these settings."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; dagster is pinned, and the tests cover them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            _no_recording_straddles_folds(),
            _few_recordings_joined(plan),
            _few_clips_in_quarantine(plan),
            _nothing_gives_the_labels_away(plan),
        ]


def _no_recording_straddles_folds() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="balanced_manifest", blocking=True, partitions_def=SPECIES, description=_STRADDLES
    )
    def no_recording_straddles_folds(balanced_manifest: Any) -> dg.AssetCheckResult:
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


def _few_recordings_joined(plan: AssetPlan) -> dg.AssetChecksDefinition:
    above = plan.settings.duplicate_cosine

    @dg.asset_check(
        asset="near_duplicates",
        additional_ins={"audio_inventory": dg.AssetIn("audio_inventory")},
        partitions_def=SPECIES,
        description="A warning when near-duplicate clips make one of more than a quarter of a "
        "species' recordings.",
    )
    def few_recordings_joined(near_duplicates: Any, audio_inventory: Any) -> dg.AssetCheckResult:
        from audio_assets.evaluation.near_duplicates import joined_groups, joins_too_many

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


def _few_clips_in_quarantine(plan: AssetPlan) -> dg.AssetChecksDefinition:
    warn, error = plan.settings.quarantine_warn_share, plan.settings.quarantine_error_share

    @dg.asset_check(
        asset="quarantine",
        additional_ins={"audio_inventory": dg.AssetIn("audio_inventory")},
        partitions_def=SPECIES,
        description=f"A warning above {warn:.4g} of the clips in quarantine, an error above "
        f"{error:.4g}.",
    )
    def few_clips_in_quarantine(
        context: dg.AssetCheckExecutionContext, quarantine: Any, audio_inventory: Any
    ) -> dg.AssetCheckResult:
        from audio_assets.storage.quarantine import quarantine_share

        species = context.op_execution_context.partition_key
        found = quarantine_share(quarantine, audio_inventory, species, plan.variants)
        return dg.AssetCheckResult(
            passed=found.share <= warn,
            severity=(
                dg.AssetCheckSeverity.ERROR if found.share > error else dg.AssetCheckSeverity.WARN
            ),
            description=f"{found.quarantined} of {found.clips} clips could not be used",
            metadata={
                "quarantined": found.quarantined,
                "clips": found.clips,
                "share": found.share,
            },
        )

    return few_clips_in_quarantine


def _nothing_gives_the_labels_away(plan: AssetPlan) -> dg.AssetChecksDefinition:
    limit = plan.settings.confound_warn_auc

    @dg.asset_check(
        asset="findings",
        partitions_def=SPECIES,
        description=f"A warning where properties of the files tell the labels apart with an AUC of "
        f"at least {limit:g}, where a class comes from a few sites of its own, or where recording "
        "ids look like parts of one recording.",
    )
    def nothing_gives_the_labels_away(findings: Any) -> dg.AssetCheckResult:
        from audio_assets.reporting.finding_words import warnings_of

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
