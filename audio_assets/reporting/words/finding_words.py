"""Sentences about findings, the same in the report, the asset check and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audio_assets.evaluation.doubts.calibration import expected_calibration_error
from audio_assets.evaluation.doubts.confounds import ALL, PAIRS, SAME, UNDECIDED
from audio_assets.evaluation.doubts.leak_check import NOTHING_TELLS, ONE_CLIP_EACH
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.hearing_words import hearing_warnings
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

Rows = Sequence[Mapping[Any, Any]]

PROPERTY_WORDS = {
    "file_format": "the file format",
    "sample_rate": "the sample rate",
    "channels": "the number of channels",
    "seconds": "the duration",
    "rms_db": "the level (RMS)",
    "peak_db": "the level (peak)",
    ALL: "all of these together",
    PAIRS: "two of these combined",
}
_LOUDNESS = {"rms_db", "peak_db"}
_SHOWN = 3

ABOUT_THE_SAME = 0.01
"""Difference in AUC too small to matter: it is rarely enough to choose between two models.

A wide interval around 0 does not count: it shows that little is known, not that the difference is
small.
"""


def leak_sentence(row: Mapping[Any, Any], title: str) -> str:
    """Write what folds over clips would have shown for one model."""
    status = str(row["status"])
    if wording.is_missing(row["value"]):
        plain = status == ONE_CLIP_EACH or status.startswith(NOTHING_TELLS)
        reason = status if plain else f"no leak check: {status}"
        return f"{title}: {reason}."
    difference = float(row["value"])
    amount = f"{'over' if difference > 0 else 'under'}stated AUC by {wording.magnitude(difference)}"
    if wording.is_missing(row["ci_low"]):
        bounds = status
        amount = amount if difference else "shown the same AUC"
    else:
        low, high = float(row["ci_low"]), float(row["ci_high"])
        bounds = f"{wording.signed_interval(low, high)} over repeated draws of folds of these clips"
        if -ABOUT_THE_SAME <= low and high <= ABOUT_THE_SAME:
            amount = "shown about the same AUC"
        elif low <= 0.0 <= high:
            bounds += ": this may be chance in the draw"
            amount = amount if difference else "shown the same AUC"
        bounds += status.removeprefix("ok").replace(": ", "; ", 1)
    return f"{title}: ordinary folds over clips would have {amount} ({bounds})."


def calibration_sentence(bins: pd.DataFrame, title: str) -> str:
    """Write how far one model's probabilities are off, and how far they would be by chance.

    Parameters
    ----------
    bins
        Rows of :data:`audio_assets.tables.CALIBRATION` of the model.
    """
    return (
        f"{title}: its probabilities are off by {error_beside_floor(bins)}, both classes weighted "
        "equally (expected calibration error)."
    )


def error_beside_floor(bins: pd.DataFrame) -> str:
    """Write one model's calibration error beside the error expected of perfect calibration.

    An error without that floor looks like a fault: with 30 clips the floor alone is 0.09.
    """
    error, floor = expected_calibration_error(bins), bins["floor"].iloc[0]
    text = f"{wording.magnitude(error)} on average"
    if wording.is_missing(floor):
        return f"{text} (the error expected by chance is not known)"
    high = float(bins["floor_high"].iloc[0])
    text += (
        f" (perfect calibration would be off by {wording.magnitude(float(floor))} on these clips "
        f"by chance, and by up to {wording.magnitude(high)} in 19 of 20 cases"
    )
    return f"{text}: this may be chance)" if error <= high else f"{text})"


def warnings_of(rows: Rows, title: Callable[[str], str] = str) -> list[str]:
    """Return the warnings among the findings of one species, most certain first.

    Parameters
    ----------
    title
        Returns a model's title.
    """
    return [
        *(unknown_recordings_sentence(row) for row in rows if _is_unknown(row) and row["warning"]),
        *hearing_warnings([row for row in rows if row["kind"] == "hearing"], title),
        *_same_recording_warnings([row for row in rows if row["kind"] == "same_recording"], title),
        *_confound_warnings([row for row in rows if row["kind"] == "confound"]),
        *(_site(row) for row in rows if row["kind"] == "site"),
        *_look_alikes([row for row in rows if row["kind"] == "look_alike"]),
    ]


def unknown_recordings_sentence(row: Mapping[Any, Any]) -> str:
    """Write the consequences of not knowing which clips come from the same recording."""
    text = (
        "Nothing says which clips come from the same recording: "
        f"{row['subject']} count as one recording each"
    )
    if not row["warning"]:
        return f"{text}. If some do, say so in clips.csv; otherwise AUC is too high."
    return (
        f"{text}, and their names share long parts. If several come from the same recording, they "
        "are in training and test at once: AUC is too high, and its interval too narrow. "
        f"Say in clips.csv which clips come from the same recording, or set {row['detail']}, which "
        f"would assign them to {int(row['count'])} recordings."
    )


def unknown_recordings_note(rows: Rows) -> str | None:
    """Return the note on unknown recordings that is not a warning; None if there is none."""
    calm = [row for row in rows if _is_unknown(row) and not row["warning"]]
    return unknown_recordings_sentence(calm[0]) if calm else None


def _is_unknown(row: Mapping[Any, Any]) -> bool:
    return bool(row["kind"] == "unknown_recordings")


def clips_csv_warning(clips: int, unnamed: int, lines: Sequence[str] = ()) -> str | None:
    """Warn about clips without a line in ``clips.csv`` and lines without a clip; None if all match.

    Parameters
    ----------
    clips, unnamed
        Clips of the species, and how many of them have no line although others do.
    lines
        Paths in the file that match no clip.
    """
    faults = []
    if unnamed:
        faults.append(
            f"{unnamed} of {clips} clips have no line in clips.csv, which has lines for this "
            "species: their recordings are derived from their names"
        )
    if lines:
        more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        faults.append(
            f"{len(lines)} line{'s' * (len(lines) > 1)} of clips.csv match no clip of this "
            f"species: {', '.join(lines[:_SHOWN])}{more}"
        )
    if not faults:
        return None
    return "; ".join(faults) + ". Give paths relative to the root as {species}/data/pos/{name}."


def confound_note(rows: Rows) -> str | None:
    """Return the result of a confound check that warns of nothing; None without a check."""
    if not rows or any(row["warning"] for row in rows):
        return None
    tried = [row for row in rows if not wording.is_missing(row["value"])]
    if not tried:
        if all(row["status"] == SAME for row in rows):
            return "The files of both classes are alike in format, sample rate and everything else."
        return f"No confound check: {rows[0]['status']}."
    best = max(tried, key=lambda row: float(row["value"]))
    if str(best["status"]).startswith(UNDECIDED):
        name = PROPERTY_WORDS[best["subject"]]
        return f"{_capital(UNDECIDED)}: AUC {_auc(best)} by {name}."
    text = (
        "The files do not plainly give the labels away: format, sample rate, channels, duration "
        "and level, each alone, all added up and any two combined, reach an AUC of at most "
        f"{_auc(best)}, by {PROPERTY_WORDS[best['subject']]}. Effects that need three of them "
        "combined were not searched for."
    )
    # A comparison with NaN is false.
    if any(float(row["ci_high"]) < 0.5 for row in tried):
        text += (
            " An AUC below 0.5 means that the classes share a property so evenly that what a class "
            "lacks of it in training is in the test fold; that gives no label away."
        )
    return text


def same_recording_note(rows: Rows, title: Callable[[str], str]) -> str | None:
    """Return the effect of pairs from one recording where it is no warning; None without any."""
    calm = [row for row in rows if not row["warning"]]
    if not calm:
        return None
    return (
        f"Among the pairs of a positive and a negative clip that AUC counts, {_shares(calm)} come "
        "from the same recording. Over pairs from different recordings AUC is "
        f"{_without_them(calm, title)}."
    )


def _same_recording_warnings(rows: Rows, title: Callable[[str], str]) -> list[str]:
    warned = [row for row in rows if row["warning"]]
    alone = [row for row in warned if wording.is_missing(row["value"])]
    higher = [row for row in warned if not wording.is_missing(row["value"])]
    warnings = []
    if alone:
        models = ", ".join(title(str(row["model"])) for row in alone)
        warnings.append(
            f"AUC only compares clips within one recording, or one group of clips.csv ({models}): "
            "every test fold is a single recording or group, so the positive and the negative "
            "clips that it compares share all that it has in common. Nothing here shows how clips "
            "from different recordings compare. Label clips from more recordings, or group them "
            "more finely."
        )
    if higher:
        warnings.append(
            "AUC may be too high across recordings: among the pairs of a positive and a negative "
            f"clip that it counts, {_shares(higher)} come from the same recording and share its "
            "site and background. Over pairs from different recordings AUC is "
            f"{_without_them(higher, title)}. Go by the lower number, expect to need more clips "
            "than stated here, and label clips from more recordings."
        )
    return warnings


def _shares(rows: Rows) -> str:
    percents = {round(100 * float(row["share"])) for row in rows}
    return "under 1 %" if percents == {0} else f"{wording.number_range(percents)} %"


def _without_them(rows: Rows, title: Callable[[str], str]) -> str:
    parts = []
    for row in rows:
        other = "not defined"
        if not wording.is_missing(row["value"]):
            other = wording.share(float(row["value"]))
        status = "" if row["status"] == "ok" else f"; {row['status']}"
        parts.append(
            f"{other} instead of {wording.share(float(row['auc']))} "
            f"({title(str(row['model']))}{status})"
        )
    return ", ".join(parts)


def _confound_warnings(rows: Rows) -> list[str]:
    warned = [row for row in rows if row["warning"]]
    alone = [row for row in warned if row["subject"] not in (ALL, PAIRS)]
    # Combinations get a line only if no single property can be named, and then only one line.
    together: dict[str, Mapping[Any, Any]] = {}
    for row in warned:
        known = together.setdefault(row["variant"], row)
        if float(row["value"]) > float(known["value"]):
            together[row["variant"]] = row
    folders = len({row["variant"] for row in rows}) > 1
    warnings = []
    for row in alone or together.values():
        name = PROPERTY_WORDS[row["subject"]]
        where = f" in {row['variant']}" if folders else ""
        how = "separates the labels" if float(row["value"]) == 1.0 else "tells the labels apart"
        text = f"{name} alone {how}{where}: AUC {_auc(row)}. "
        if row["subject"] in (ALL, PAIRS):
            text = f"format, rate, channels, duration and level tell the labels apart{where}"
            text += " when two of them are combined" * (row["subject"] == PAIRS)
            text += f": AUC {_auc(row)}. "
        text += (
            "Calls make clips louder, but so does a recorder: a model may have learned either."
            if row["subject"] in _LOUDNESS
            else "A model may have learned how the files were made instead of the species."
        )
        warnings.append(_capital(text))
    return warnings


def _site(row: Mapping[Any, Any]) -> str:
    own, other = (
        PRESENCE.word(label) for label in (row["subject"], PRESENCE.other(row["subject"]))
    )
    count, (how_many, by) = int(row["count"]), _clips_of_sites(row)
    sites = "one recording or site" if count == 1 else f"{count} recordings or sites"
    few = str(row["status"]).removeprefix("ok").removeprefix(": ")
    without = f"with hardly any {other} clips ({few})" if few else f"without a single {other} clip"
    return (
        f"{how_many} {own} clips come from {sites} ({row['detail']}{by}) "
        f"{without}: a model may tell sites apart instead of the species."
    )


def _clips_of_sites(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the number of clips and the source of the sites; older tables contain neither."""
    if wording.is_missing(row["clips"]):
        return "All", ""
    clips, of_clips = int(row["clips"]), int(row["of_clips"])
    how_many = f"All {clips}" if clips == of_clips else f"{clips} of {of_clips}"
    return how_many, f"; by {row['source']}"


def _look_alikes(rows: Rows) -> list[str]:
    if not rows:
        return []
    examples = "; ".join(str(row["detail"]) for row in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return [
        f"These recording ids look alike: {examples}{more}. If they are parts of one recording, "
        "set RECORDING_PATTERNS or give them one group in clips.csv; otherwise clips of one "
        "recording are in training and test at once."
    ]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _auc(row: Mapping[Any, Any]) -> str:
    text = wording.share(float(row["value"]))
    if wording.is_missing(row["ci_low"]):
        return f"{text} (no interval: {str(row['status']).removeprefix(f'{UNDECIDED}: ')})"
    return f"{text} ({wording.interval(float(row['ci_low']), float(row['ci_high']))})"
