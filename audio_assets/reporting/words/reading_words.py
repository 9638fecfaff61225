"""Instructions for reading each kind of chart, for someone who sees one for the first time."""

from __future__ import annotations

LEARNING_CURVE = (
    "Each point is a model trained with that many clips of each class, and tested on recordings "
    "that it was not trained on. Further right is more labelled clips; each step doubles them.",
    "ROC-AUC is the probability that the model scores a random positive clip above a random "
    "negative one: 0.5 is guessing, 1 is never wrong.",
    "The error bar is the interval in which the AUC plausibly lies, given the recordings that were "
    "tested. A target counts as reached where the lower end of the bar reaches it. Long bars call "
    "for more recordings, not for more clips of the same ones.",
    "A line that still rises at its right end would gain from more clips; one that is level would "
    "not. Overlapping bars do not show that two models are equal; see the table of comparisons.",
    "A point at 0 clips is the model's own score for the species, without any training.",
)

CALIBRATION = (
    "The clips are sorted by the probability that the model gave them, and divided into groups. "
    "Each point is one group: to the right, the mean probability given; upwards, the share of its "
    "clips that are positive.",
    "On the dashed line the probabilities come true. Points below it come from a model that is too "
    "sure of the species, points above it from one that is not sure enough.",
)
