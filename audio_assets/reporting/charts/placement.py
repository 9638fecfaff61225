"""Where things go in a chart: positions on the axes and labels that do not overlap.

Arithmetic only; marks and colours belong in :mod:`audio_assets.reporting.charts.learning_curve`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_GAP = 0.45
"""Least distance of two sizes in octaves. Without it 256 and 258 would lie on each other."""

ZERO_GAP = 1.3
"""Distance of the untrained point from the smallest size in octaves."""


def size_positions(sizes: Sequence[int]) -> dict[int, float]:
    """Place training sizes on the x axis, in octaves: log2, but never closer than MIN_GAP.

    Size 0 has no place on a log scale; it stands apart, ZERO_GAP before the first.

    >>> size_positions([4, 8, 16])
    {4: 2.0, 8: 3.0, 16: 4.0}
    >>> size_positions([0, 256, 258])
    {256: 8.0, 258: 8.45, 0: 6.7}
    """
    positions: dict[int, float] = {}
    last = -math.inf
    for size in sorted(set(sizes) - {0}):
        last = round(max(math.log2(size), last + MIN_GAP), 4)
        positions[size] = last
    if 0 in sizes:
        positions[0] = round(min(positions.values(), default=ZERO_GAP) - ZERO_GAP, 4)
    return positions


def dodges(lines: int) -> list[float]:
    """Shift of each line in octaves, so that error bars at one size stand side by side.

    >>> dodges(3)
    [-0.07, 0.0, 0.07]
    """
    step = min(0.07, 0.7 * MIN_GAP / max(lines - 1, 1))
    return [round((i - (lines - 1) / 2) * step, 4) for i in range(lines)]


def share_axis(lowest: float) -> tuple[float, float]:
    """Lower and upper end of an axis of AUC, given the lowest value drawn on it.

    The axis holds chance (0.5) unless everything lies far above it, where half of the height would
    be empty; the chart must then say where the axis starts.

    >>> share_axis(0.61), share_axis(0.31), share_axis(0.87), share_axis(0.976)
    ((0.45, 1.0), (0.3, 1.0), (0.85, 1.0), (0.97, 1.0))
    """
    floor = _floor(lowest, 20)
    if floor < 0.75:
        return min(0.45, floor), 1.0
    return (floor if floor < 0.95 else min(_floor(lowest, 100), 0.98)), 1.0


def _floor(value: float, parts: int) -> float:
    """Round down to a multiple of 1 / parts; rounding first keeps 0.55 from becoming 0.5."""
    return math.floor(round(value * parts, 9)) / parts


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending positions apart until neighbours are ``gap`` apart, within [low, high].

    Groups of labels that would overlap are centred on where they wanted to be. With more labels
    than fit, the gap shrinks.

    Parameters
    ----------
    wanted
        Ascending positions.
    gap, low, high
        In the same unit.

    >>> spread([10, 11, 50], 10, 0, 60)
    [5.5, 15.5, 50.0]
    """
    if not wanted:
        return []
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    groups: list[tuple[float, int]] = []  # (start, members)
    for place in wanted:
        start, members = float(place), 1
        while groups and groups[-1][0] + groups[-1][1] * gap > start:
            before, others = groups.pop()
            # The mean of the wanted starts, were the group's members set side by side.
            start = (before * others + (start - others * gap) * members) / (others + members)
            members += others
        groups.append((start, members))
    places = [start + i * gap for start, members in groups for i in range(members)]
    # Clipping to the room that the labels before and after still need keeps every gap.
    last = len(places) - 1
    return [
        round(min(max(place, low + i * gap), high - (last - i) * gap), 6)
        for i, place in enumerate(places)
    ]
