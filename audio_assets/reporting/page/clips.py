"""The page's section on the clips that the best model gets most wrong."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio_assets.evaluation.doubts.hard_clips import best_model
from audio_assets.reporting.charts.clip_preview import SECONDS
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.words import wording
from audio_assets.tables import HARD_CLIPS, LABELS
from audio_assets.tables.task import PRESENCE

MEDIA_BUDGET = 8_000_000
"""Characters of pictures and sounds on a page, whatever the number of species."""


@dataclass(frozen=True)
class HardClip:
    """One clip.

    Attributes
    ----------
    words
        The model's score, and the share of the other class on the wrong side of it.
    picture, sound
        ``data:`` URIs; empty without one.
    description
        Description of the picture for screen readers.
    note
        Reason for a missing picture or sound, or the part that is shown; otherwise empty.
    """

    clip_id: str
    words: str
    recording: str
    picture: str
    sound: str
    description: str
    note: str


@dataclass(frozen=True)
class HardClips:
    """The clips of a species.

    Attributes
    ----------
    intro
        Name of the model, and an explanation of the list.
    groups
        Heading -> clips of a class.
    none_wrong
        One sentence per class without a clip on the wrong side.
    """

    intro: str
    groups: Mapping[str, tuple[HardClip, ...]]
    none_wrong: tuple[str, ...]


def hard_clips(
    content: ReportContent, species: str, media: Mapping[tuple[str, str], str]
) -> HardClips | None:
    """Return the section on a species; None if no model has a result.

    Parameters
    ----------
    media
        Result of :func:`affordable_media`.
    """
    best = best_model(content.curves[content.curves["species"] == species])
    if best is None:
        return None
    model, size = best
    trained = f"trained with {size} clips per class" if size else "untrained"
    name = f"{content.title(model)} {trained}"
    table = content.rows(HARD_CLIPS)
    rows = table[table["species"] == species].to_dict("records")
    if not rows:
        missing = f"{name} has the highest AUC, but the clips it gets wrong are not known: the "
        return HardClips(missing + "step failed or has not run; see audio-assets status.", {}, ())
    intro = (
        f"{name} has the highest AUC of the models, each at its largest size. The clips that lower "
        "it most are ranked on the wrong side of the most clips of the other class in their test "
        "folds, by classifiers that were not trained on their recordings. Look for wrong labels "
        "there first."
    )
    groups, none_wrong = {}, []
    for label in reversed(LABELS):
        wrong = [row for row in rows if row["label"] == label and row["misranked"] > 0]
        if wrong:
            heading = f"Labelled {PRESENCE.word(label)}, scored too {_SIDE[label]}"
            groups[heading] = tuple(_clip(row, media) for row in wrong)
        else:
            none_wrong.append(
                f"No {PRESENCE.word(label)} clip is on the wrong side of one of the other class."
            )
    return HardClips(intro, groups, tuple(none_wrong))


def playable(clips: HardClips) -> frozenset[str]:
    """Return the clips of a section that have a sound on the page."""
    return frozenset(
        clip.clip_id for group in clips.groups.values() for clip in group if clip.sound
    )


def affordable_media(
    content: ReportContent, budget: int = MEDIA_BUDGET
) -> Mapping[tuple[str, str], str]:
    """Return ``data:`` URIs of the clips' pictures and sounds, as many as fit on the page.

    Pictures come before sounds, and the worst clips of every species before the next worst.

    Returns
    -------
    Mapping
        (identity of the clip, column) -> URI.
    """
    rows = content.rows(HARD_CLIPS).sort_values(["place", "species", "label"]).to_dict("records")
    found: dict[tuple[str, str], str] = {}
    for column, kind in (("picture", "image/webp"), ("sound", "audio/mpeg")):
        for row in rows:
            if row[column] is None:
                continue
            uri = f"data:{kind};base64,{base64.b64encode(row[column]).decode()}"
            if len(uri) > budget:
                return found
            budget -= len(uri)
            found[_identity(row), column] = uri
    return found


_SIDE = {PRESENCE.positive: "low", PRESENCE.negative: "high"}


def _identity(row: Mapping[Any, Any]) -> str:
    return f"{row['species']}/{row['clip_id']}"


def _clip(row: Mapping[Any, Any], media: Mapping[tuple[str, str], str]) -> HardClip:
    other = PRESENCE.word(PRESENCE.other(row["label"]))
    beyond = "below" if PRESENCE.is_positive(row["label"]) else "above"
    kind = "probability" if row["is_probability"] else "score"
    score = wording.share(row["score"]) if row["is_probability"] else f"{row['score']:.3g}"
    picture = media.get((_identity(row), "picture"), "")
    sound = media.get((_identity(row), "sound"), "")
    seconds = row["seconds"]
    shown = "" if wording.is_missing(seconds) else f"{min(seconds, SECONDS):.1f} s"
    return HardClip(
        clip_id=row["clip_id"],
        words=f"Mean {kind} {score}: {beyond} {wording.percent(_whole(row['misranked']))} of the "
        f"{other} clips",
        recording=row["recording_id"],
        picture=picture,
        sound=sound,
        description=f"Spectrogram of {row['clip_id']}: {shown}, 50 Hz to 11 kHz",
        note=_note(row, picture, sound),
    )


def _whole(share: float) -> float:
    """Round to whole percents, but never to 0 %, and to 100 % only if exact."""
    return min(max(round(share, 2), 0.01), 1.0 if share == 1 else 0.99)


def _note(row: Mapping[Any, Any], picture: str, sound: str) -> str:
    if row["fault"] is not None:
        return f"No picture or sound: {row['fault']}."
    notes = []
    if not (picture and sound):
        missing = "sound" if picture else "picture and sound"
        notes.append(f"Its {missing} would make this page too large.")
    if row["seconds"] > SECONDS:
        notes.append(f"The first {SECONDS:g} of {row['seconds']:.1f} s.")
    return " ".join(notes)
