"""Positions in a chart: places on the axes, and labels that do not overlap.

This is arithmetic only; marks and colours belong in
:mod:`audio_assets.reporting.charts.learning_curve`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_GAP = 0.45
"""Smallest distance between two sizes in octaves; otherwise 256 and 258 would coincide."""

ZERO_GAP = 1.3
"""Distance of the untrained point from the smallest size in octaves."""


def size_positions(sizes: Sequence[int]) -> dict[int, float]:
    """Place training sizes on the x axis, in octaves: log2, but never closer than MIN_GAP.

    Size 0 does not exist on a log scale; it is placed ZERO_GAP before the first.

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
    """Return the shift of each line in octaves that puts error bars at one size side by side.

    >>> dodges(3)
    [-0.07, 0.0, 0.07]
    """
    step = min(0.07, 0.7 * MIN_GAP / max(lines - 1, 1))
    return [round((i - (lines - 1) / 2) * step, 4) for i in range(lines)]


def share_axis(lowest: float) -> tuple[float, float]:
    """Return the ends of an AUC axis, given the lowest value drawn on it.

    The axis includes chance (0.5) unless everything lies far above it and half of the height would
    be empty; the chart must then state where the axis starts.

    >>> share_axis(0.61), share_axis(0.31), share_axis(0.87), share_axis(0.976)
    ((0.45, 1.0), (0.3, 1.0), (0.85, 1.0), (0.97, 1.0))
    """
    floor = _floor(lowest, 20)
    if floor < 0.75:
        return min(0.45, floor), 1.0
    return (floor if floor < 0.95 else min(_floor(lowest, 100), 0.98)), 1.0


def _floor(value: float, parts: int) -> float:
    """Round down to a multiple of 1 / parts; rounding first prevents 0.55 from becoming 0.5."""
    return math.floor(round(value * parts, 9)) / parts


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending positions apart until neighbours are ``gap`` apart, within [low, high].

    Labels that would overlap form a group, centred on its wanted positions. With more labels than
    fit, the gap shrinks.

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
            # The mean of the starts that the members want for the group.
            start = (before * others + (start - others * gap) * members) / (others + members)
            members += others
        groups.append((start, members))
    places = [start + i * gap for start, members in groups for i in range(members)]
    # Clipping to the space that the labels before and after still need preserves every gap.
    last = len(places) - 1
    return [
        round(min(max(place, low + i * gap), high - (last - i) * gap), 6)
        for i, place in enumerate(places)
    ]
