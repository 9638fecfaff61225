"""Sentences about sound above a model's range, for the report, the checks and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audio_assets.evaluation.doubts.hearing import STANDS_OUT
from audio_assets.reporting.words import wording

Rows = Sequence[Mapping[Any, Any]]

_REMEDY = (
    "Sound above that never reaches the model, so its numbers may rest on something else. Use a "
    "model with a higher sample rate, or clips that are slowed down (time expansion)."
)


def hearing_warnings(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """Return one warning about all models that miss enough sound to put their numbers in doubt."""
    sentences = hearing_sentences([row for row in rows if row["warning"]], title)
    return [" ".join([*sentences, _REMEDY])] if sentences else []


def hearing_notes(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """Return notes on models that miss only a little, or whose range is not known."""
    calm = [row for row in rows if not row["warning"]]
    known = [row for row in calm if not wording.is_missing(row["share"])]
    return hearing_sentences(known, title) + [
        f"{title(str(row['model']))}: how much sound lies above its range is not known: "
        f"{row['status']}."
        for row in calm
        if wording.is_missing(row["share"])
    ]


def hearing_sentences(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """Return one sentence per group of models that hear up to the same frequency, highest first.

    Parameters
    ----------
    rows
        Rows of the kind ``hearing`` that have a share.
    title
        Returns a model's title.
    """
    groups: dict[tuple[Any, ...], list[Mapping[Any, Any]]] = {}
    for row in rows:
        key = (-float(row["value"]), str(row["species"]), str(row["variant"]))
        groups.setdefault(key, []).append(row)
    sentences = []
    for _, (first, *others) in sorted(groups.items(), key=lambda item: item[0]):
        *most, last = [title(str(row["model"])) for row in (first, *others)]
        names = f"{', '.join(most)} and {last}" if most else last
        sentences.append(
            f"{names} {'hear' if others else 'hears'} up to {kilohertz(first['value'])}; "
            f"{share_in_words(first['share'])} of the energy of {first['species']}'s positives is "
            f"above{_counted(first)}."
        )
    return sentences


def hearing_in_brief(row: Mapping[Any, Any]) -> str:
    """Write the same in short, to stand beside the model's numbers."""
    return (
        f"hears up to {kilohertz(row['value'])}, {share_in_words(row['share'])} of the positives' "
        "energy is above"
    )


def kilohertz(hertz: Any) -> str:
    """Write a frequency in kHz.

    >>> kilohertz(24000.0), kilohertz(11025.0)
    ('24 kHz', '11.025 kHz')
    """
    return f"{float(hertz) / 1000:.6g} kHz"


def share_in_words(share: Any) -> str:
    """Write a share of the energy in words.

    >>> share_in_words(0.97), share_in_words(0.49), share_in_words(0.999)
    ('97 %', 'half', 'nearly all')
    """
    percent = round(100 * float(share))
    if percent >= 100:
        return "nearly all"
    return "half" if 48 <= percent <= 52 else f"{percent} %"


def percent(share: Any) -> str:
    """Write a share for a table, never rounded up to 100 %.

    >>> percent(0.25), percent(0.9999)
    ('25 %', 'over 99 %')
    """
    rounded = round(100 * float(share))
    return "over 99 %" if rounded >= 100 else f"{rounded} %"


def _counted(row: Mapping[Any, Any]) -> str:
    if row["subject"] != STANDS_OUT:
        return ""
    clips = int(row["count"])
    mean = f", mean of {clips} clips" if clips > 1 else ""
    return f" (counting what stands out from the negatives{mean})"
