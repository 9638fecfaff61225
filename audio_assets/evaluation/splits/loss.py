"""Sentences on the clips that a class lost, for the message that it has too few recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audio_assets.tables.losses import loss_by_reason, loss_in_words
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd


def losses_of_classes(clips: pd.DataFrame, labels: Iterable[str]) -> list[str]:
    """Describe the lost clips, one sentence per class that lost any.

    Parameters
    ----------
    clips
        Columns ``label``, ``status`` (``quarantined`` clips are lost) and ``reason``. A
        ``duplicate`` of another clip is not a loss and is not counted.
    labels
        ``pos`` or ``neg``.
    """
    sentences = []
    for label in labels:
        of_class = clips[(clips["label"] == label) & (clips["status"] != "duplicate")]
        lost = of_class[of_class["status"] == "quarantined"]
        if len(lost):
            counts = loss_by_reason(lost["reason"])
            sentences.append(loss_in_words(len(lost), len(of_class), counts, PRESENCE.word(label)))
    return sentences
