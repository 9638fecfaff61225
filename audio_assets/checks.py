"""Asset checks: what must hold of a table before others build on it."""

import warnings
from collections.abc import Sequence
from typing import Any

import dagster as dg

from audio_assets.partitions import SPECIES


def build_checks() -> Sequence[dg.AssetChecksDefinition]:
    """All asset checks of these settings."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; dagster is pinned, and the tests cover them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [_no_recording_straddles_folds()]


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


_STRADDLES = "In every repeat, all clips of a recording lie in one fold, whatever their variant."
