"""Findings about a species' clips to know before trusting its numbers, as one table.

Only collecting the findings belongs here; each check has its own file, and the wording of findings
belongs in :mod:`audio_assets.reporting.words.finding_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from audio_assets.evaluation.doubts.confounds import confounds
from audio_assets.evaluation.doubts.hearing import Hearing, hearing_rows
from audio_assets.evaluation.doubts.recording_hints import look_alike_recordings
from audio_assets.evaluation.doubts.same_recording import WARN_DIFFERENCE, WARN_SHARE
from audio_assets.evaluation.doubts.sites import SiteFinding, sites_that_tell_the_label
from audio_assets.evaluation.doubts.unknown_recordings import unknown_recordings
from audio_assets.tables import FINDINGS, VARIANTS
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = re.compile(r"\d+(?:[.,]\d+)*")
_NAMED = 3


def find(
    leaks: Iterable[pd.DataFrame],
    properties: pd.DataFrame,
    manifest: pd.DataFrame,
    inventory: pd.DataFrame,
    *,
    species: str,
    ci_level: float,
    warn_auc: float,
    models: Mapping[str, Hearing | str],
    columns: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """All findings of a species.

    Parameters
    ----------
    leaks
        Tables of :data:`audio_assets.tables.LEAK_CHECK`, one per model.
    properties, manifest, inventory
        Tables of :data:`audio_assets.tables.CLIP_PROPERTIES`,
        :data:`audio_assets.tables.BALANCED_MANIFEST` and
        :data:`audio_assets.tables.AUDIO_INVENTORY`.
    ci_level, warn_auc
        See :func:`audio_assets.evaluation.doubts.confounds.confounds`.
    models
        See :func:`audio_assets.evaluation.doubts.hearing.hearing_rows`.
    columns
        Further columns of ``clips.csv``, from
        :meth:`audio_assets.catalog.recordings.RecordingRules.further_columns`.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.FINDINGS`.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for leak in leaks:
        found = leak.iloc[0]
        rows.append(
            {"kind": "leak", "model": found["model"], "value": found["difference"]}
            | {name: found[name] for name in ("ci_low", "ci_high", "status")}
            | {"count": found["training_size"], "warning": False}
        )
        rows += _same_recording(found)
    for variant in VARIANTS:
        found_here = confounds(properties, manifest, variant, ci_level=ci_level, warn_auc=warn_auc)
        rows += [row | {"kind": "confound", "variant": variant} for row in found_here]
    rows += _of_sites(properties, species, columns)
    rows += _look_alikes(properties)
    rows += [row | {"kind": "hearing"} for row in hearing_rows(properties, models)]
    rows += _of_reading(properties)
    rows += _unknown(inventory)
    table = pd.DataFrame(
        [dict.fromkeys(FINDINGS.column_names) | {"species": species} | row for row in rows],
        columns=list(FINDINGS.column_names),
    )
    numbers = dict.fromkeys(("value", "auc", "share", "ci_low", "ci_high"), "float64")
    whole = dict.fromkeys(("count", "clips", "of_clips"), "Int64")
    return table.astype({**numbers, **whole, "warning": "bool"})


def _same_recording(leak: pd.Series[Any]) -> list[dict[str, Any]]:
    """The row of a model if some tested pairs come from one recording; none otherwise."""
    share, auc = float(leak["same_recording"]), float(leak["auc_recordings"])
    # NaN, where nothing was evaluated, is not above anything.
    if not share > 0.0:
        return []
    other = float(leak["auc_other_recordings"])
    exceeds = np.isnan(other) or auc - other >= WARN_DIFFERENCE
    return [
        {"kind": "same_recording", "model": leak["model"], "count": leak["training_size"]}
        | {"value": other, "auc": auc, "share": share, "status": leak["pairs_status"]}
        | {"warning": bool(exceeds and share >= WARN_SHARE)}
    ]


def _unknown(inventory: pd.DataFrame) -> list[dict[str, Any]]:
    """The row of clips with an unknown recording; none if every name matches a rule."""
    found = unknown_recordings(inventory)
    if not found.by_name:
        return []
    row: dict[str, Any] = {
        "kind": "unknown_recordings",
        "subject": f"{found.by_name} of {found.clips} clips",
    }
    if found.suggestion is None:
        return [row | {"warning": False, "status": "no pattern of their names would join clips"}]
    row |= {"count": found.suggestion.recordings, "detail": found.suggestion.setting}
    return [row | {"warning": True, "status": "ok"}]


def _of_sites(
    properties: pd.DataFrame, species: str, columns: pd.DataFrame | None
) -> list[dict[str, Any]]:
    further: dict[str, list[str]] = {}
    if columns is not None:
        clips = properties[["variant", "clip_id"]].itertuples(index=False, name=None)
        of_clips = columns.reindex(list(clips), fill_value="")
        further = {str(name): of_clips[name].tolist() for name in of_clips}
    labels, recordings = properties["label"].tolist(), properties["recording_id"].tolist()
    return [
        _site(found) for found in sites_that_tell_the_label(labels, recordings, species, further)
    ]


def _site(found: SiteFinding) -> dict[str, Any]:
    status = "ok"
    if found.others:
        other = PRESENCE.word(PRESENCE.other(found.label))
        status = f"ok: {found.others} {other} clip{'s' * (found.others > 1)} there too"
    return {
        "kind": "site",
        "subject": found.label,
        "count": len(found.sites),
        "detail": ", ".join(found.sites),
        "source": found.source,
        "clips": found.clips,
        "of_clips": found.of_clips,
        "warning": True,
        "status": status,
    }


def _look_alikes(properties: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"kind": "look_alike", "subject": names[0], "count": len(names)}
        | {"detail": ", ".join(names), "warning": True, "status": "ok"}
        for names in look_alike_recordings(properties["recording_id"].tolist())
    ]


def _of_reading(properties: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per kind of note and variant; notes that differ only in figures are of one kind."""
    noted = properties[properties["note"].notna()][["variant", "clip_id", "note"]]
    # A file may be odd in several ways.
    noted = noted.assign(note=noted["note"].str.split("; ")).explode("note")
    kinds = noted["note"].map(lambda note: _FIGURES.sub("…", note))
    return [
        {"kind": "reading", "variant": variant, "subject": kind, "count": len(clips)}
        | {"detail": _names(clips["clip_id"].tolist()), "warning": False, "status": "ok"}
        for (variant, kind), clips in noted.groupby([noted["variant"], kinds])
    ]


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more
