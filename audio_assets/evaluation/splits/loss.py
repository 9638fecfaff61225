"""What was lost of a class, to be told where the class has too few recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audio_assets.tables.losses import loss_by_reason, loss_in_words
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd


def losses_of_classes(clips: pd.DataFrame, labels: Iterable[str]) -> list[str]:
    """What was lost of some classes, one sentence per class that lost a clip.

    Parameters
    ----------
    clips
        Columns ``label``, ``status`` (``quarantined`` is lost) and ``reason``. A ``duplicate`` of
        another clip is no loss, and is not counted.
    labels
        ``pos`` or ``neg``.
    """
    said = []
    for label in labels:
        of_class = clips[(clips["label"] == label) & (clips["status"] != "duplicate")]
        lost = of_class[of_class["status"] == "quarantined"]
        if len(lost):
            counts = loss_by_reason(lost["reason"])
            said.append(loss_in_words(len(lost), len(of_class), counts, PRESENCE.word(label)))
    return said
