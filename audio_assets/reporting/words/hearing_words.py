"""Sound above what a model hears, in plain words: for the report, the checks and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audio_assets.evaluation.doubts.hearing import STANDS_OUT
from audio_assets.reporting.words import wording

Rows = Sequence[Mapping[Any, Any]]

_WHAT_TO_DO = (
    "What lies above never reaches the model, and its numbers may rest on something else. Use a "
    "model with a higher sample rate, or clips that are slowed down (time expansion)."
)


def hearing_warnings(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """One warning of all models that miss so much that it puts their numbers in doubt."""
    said = hearing_sentences([row for row in rows if row["warning"]], title)
    return [" ".join([*said, _WHAT_TO_DO])] if said else []


def hearing_notes(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """What is no warning: models that miss a little, and models of which nothing is known."""
    calm = [row for row in rows if not row["warning"]]
    known = [row for row in calm if not wording.is_missing(row["share"])]
    return hearing_sentences(known, title) + [
        f"{title(str(row['model']))}: how much lies above what it hears is not known: "
        f"{row['status']}."
        for row in calm
        if wording.is_missing(row["share"])
    ]


def hearing_sentences(rows: Rows, title: Callable[[str], str]) -> list[str]:
    """One sentence for the models that hear up to the same frequency, highest first.

    Parameters
    ----------
    rows
        Of the kind ``hearing``, with a share.
    title
        Gives a model's title.
    """
    groups: dict[tuple[Any, ...], list[Mapping[Any, Any]]] = {}
    for row in rows:
        key = (-float(row["value"]), str(row["species"]), str(row["variant"]))
        groups.setdefault(key, []).append(row)
    said = []
    for _, (first, *others) in sorted(groups.items(), key=lambda item: item[0]):
        *most, last = [title(str(row["model"])) for row in (first, *others)]
        names = f"{', '.join(most)} and {last}" if most else last
        said.append(
            f"{names} {'hear' if others else 'hears'} up to {kilohertz(first['value'])}; "
            f"{share_in_words(first['share'])} of the energy of {first['species']}'s positives is "
            f"above{_counted(first)}."
        )
    return said


def hearing_in_brief(row: Mapping[Any, Any]) -> str:
    """The same beside the numbers of its model."""
    return (
        f"hears up to {kilohertz(row['value'])}, {share_in_words(row['share'])} of the positives' "
        "energy is above"
    )


def kilohertz(hertz: Any) -> str:
    """A frequency.

    >>> kilohertz(24000.0), kilohertz(11025.0)
    ('24 kHz', '11.025 kHz')
    """
    return f"{float(hertz) / 1000:.6g} kHz"


def share_in_words(share: Any) -> str:
    """A share of the energy.

    >>> share_in_words(0.97), share_in_words(0.49), share_in_words(0.999)
    ('97 %', 'half', 'nearly all')
    """
    percent = round(100 * float(share))
    if percent >= 100:
        return "nearly all"
    return "half" if 48 <= percent <= 52 else f"{percent} %"


def percent(share: Any) -> str:
    """A share in a table; never more than there is.

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
