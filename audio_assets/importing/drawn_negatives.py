"""Draw negatives from stretches of recordings that no row of a table labels.

That nothing is heard in such a stretch is an assumption: it holds if everything in the recordings
was labelled. The names of the clips say ``_unlabelled`` therefore.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from audio_assets.audio.decode import DurationLimits
from audio_assets.importing.clip_times import PERCH_SECONDS
from audio_assets.importing.label_table import LabelTable, Segment
from audio_assets.importing.layout import ImportRefusedError
from audio_assets.importing.recording import Recording
from audio_assets.tables.task import PRESENCE

_Stretch = tuple[int, int]
_Times = tuple[float, float]


@dataclass(frozen=True)
class Drawn:
    """Negatives that were drawn.

    Attributes
    ----------
    segments
        The negatives; their lines are negative numbers, because no row has them.
    refused
        Why there are fewer than requested.
    """

    segments: tuple[Segment, ...] = ()
    refused: tuple[str, ...] = ()


def draw_negatives(
    table: LabelTable, count: int, *, context: float | None, perch: bool, limits: DurationLimits
) -> Drawn:
    """Draw negatives per species; the same table yields the same ones.

    Their durations are those of the positives, so that duration does not tell the classes apart.
    They are spread evenly over the recordings that have a positive or negative of the species, as
    long as there is room. No clip of them, padded or of 5 s, overlaps a row of the table,
    whatever its label, or another one that was drawn.

    Parameters
    ----------
    table
        The table.
    count
        Number of negatives per species.
    context
        Seconds that shorter segments are padded to, or None.
    perch
        Whether clips of 5 s are cut as well.
    limits
        Durations that runs accept; others are not drawn.
    """
    if count <= 0:
        return Drawn()
    if "" in table.unclear:
        anywhere = (
            "no negatives were drawn: a row without a readable file, or one that runs on into the "
            "next file, may lie anywhere; correct or delete it"
        )
        return Drawn(refused=(anywhere,))
    drawn, refused = list[Segment](), list[str]()
    by_species = defaultdict(list)
    for segment in table.segments:
        by_species[segment.species].append(segment)
    for species, segments in sorted(by_species.items()):
        calls = [one for one in segments if PRESENCE.is_positive(one.label)]
        lengths = [
            one.end - one.start
            for one in calls
            if limits.fault(max(one.end - one.start, context or 0.0)) is None
        ]
        if not lengths:
            refused.append(f"no negatives of {species} were drawn: it has no positive to be cut")
            continue
        new, why = _draw(
            table, segments, lengths, count, max(context or 0.0, PERCH_SECONDS * perch)
        )
        refused += why
        if len(new) < count:
            refused.append(
                f"only {len(new)} of {count} negatives of {species} fit into stretches without a "
                "label"
            )
        drawn += new
    numbered = (replace(segment, line=-1 - index) for index, segment in enumerate(drawn))
    return Drawn(tuple(numbered), tuple(refused))


def _draw(
    table: LabelTable,
    segments: Sequence[Segment],
    lengths: Sequence[float],
    count: int,
    shortest: float,
) -> tuple[list[Segment], list[str]]:
    """Draw negatives of a species in turn from each recording that still has room."""
    rng = random.Random(segments[0].species)
    free = dict[str, list[_Stretch]]()
    refused = []
    of_file = {segment.file.name: segment for segment in segments}
    for name in sorted(of_file):
        if name in table.unclear:
            refused.append(
                f"no negatives were drawn from {name}: the times of a row are unreadable"
            )
            continue
        try:
            free[name] = _free(of_file[name], _widened(table.labelled[name], shortest))
        except ImportRefusedError as error:
            refused.append(f"no negatives were drawn from it: {error.what}")
    names = list(free)
    rng.shuffle(names)
    waiting = sorted(lengths)
    rng.shuffle(waiting)
    drawn = list[Segment]()
    while names and len(drawn) < count:
        length = round(waiting[len(drawn) % len(waiting)] * 1000)
        for turn, name in enumerate(names):
            # Two milliseconds are for the rounding of the middle.
            start = _take(free[name], max(length, round(shortest * 1000) + 2), length, rng)
            if start is not None:
                drawn.append(_negative(of_file[name], start / 1000, (start + length) / 1000))
                # The next one comes from the next recording.
                names = [*names[turn + 1 :], *names[: turn + 1]]
                break
        else:
            break
    return drawn, refused


def _widened(labelled: Sequence[_Times], shortest: float) -> list[_Times]:
    """Return the labels, with points as long as a clip, because a call around them has a length."""
    half = max(shortest, PERCH_SECONDS) / 2
    return [
        (max(start - half, 0.0), end + half) if start == end else (start, end)
        for start, end in labelled
    ]


def _free(segment: Segment, labelled: Sequence[_Times]) -> list[_Stretch]:
    """Return the stretches of a recording without a label, in whole milliseconds."""
    recording = Recording(segment.file.path)
    for _ in recording.cut([]):
        pass  # Only the end is of interest, which the header may not tell.
    stretches, at = list[_Stretch](), 0
    for start, end in sorted(labelled):
        if int(start * 1000) > at:
            stretches.append((at, int(start * 1000)))
        at = max(at, int(end * 1000) + 1)
    last = int(recording.seconds * 1000)
    return [(first, min(stop, last)) for first, stop in [*stretches, (at, last)] if first < last]


def _take(free: list[_Stretch], room: int, length: int, rng: random.Random) -> int | None:
    """Take room out of the free stretches, and return the start of the segment in its middle."""
    fitting = [one for one in free if one[1] - one[0] >= room]
    if not fitting:
        return None
    first, stop = rng.choice(fitting)
    start = rng.randint(first, stop - room)
    free.remove((first, stop))
    free += [one for one in ((first, start), (start + room, stop)) if one[0] < one[1]]
    return start + (room - length) // 2


def _negative(like: Segment, start: float, end: float) -> Segment:
    return Segment(
        0, like.file, start, end, PRESENCE.negative, like.recording, like.species, is_drawn=True
    )
