"""Plan the clips for the rows of a table, and their positions in the recordings.

Cutting them belongs in :mod:`audio_assets.importing.recording`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audio_assets.audio.decode import DurationLimits
from audio_assets.importing.clip_names import clip_name
from audio_assets.importing.label_table import Segment
from audio_assets.importing.layout import ImportRefusedError
from audio_assets.tables.task import PRESENCE

PERCH_SECONDS = 5.0
TOLERANCE_SECONDS = 0.05
"""A table's seconds are rounded: a segment may end this much after its recording."""
_OFFERED_SECONDS = 3.0


class PastTheEndError(ImportRefusedError):
    """The recording ends before the segment of a row."""


class HoldsCallError(ImportRefusedError):
    """The clip of a negative would contain a call that the table labels."""


@dataclass(frozen=True)
class Clip:
    """A clip requested by a row.

    Attributes
    ----------
    segment
        The row.
    variant
        ``data`` or ``data_5s``.
    length
        Seconds that the segment is padded to, or, in ``data_5s``, also cut to; None for the
        unchanged segment.
    path
        Path of the clip relative to the audio root.
    calls
        Positive segments that the clip must not overlap.
    """

    segment: Segment
    variant: str
    length: float | None
    path: str
    calls: Sequence[Segment] = ()

    def times(self, seconds: float) -> tuple[float, float]:
        """Return start and end in a recording of this many seconds.

        Raises
        ------
        PastTheEndError
            If the recording ends before the segment.
        HoldsCallError
            If every clip of this length that contains the segment would contain a call.
        """
        segment = self.segment
        if segment.end > seconds + TOLERANCE_SECONDS:
            raise PastTheEndError(
                f"{segment.file.path} has {seconds:.2f} s, and the segment ends at "
                f"{segment.end:g} s",
                "Correct it.",
            )
        if self.length is None:
            return min(segment.start, seconds), min(segment.end, seconds)
        return self._around(min(self.length, seconds), seconds)

    def _around(self, length: float, seconds: float) -> tuple[float, float]:
        """Return the position nearest to the middle of the segment that contains no call."""
        segment, calls = self.segment, self.calls
        # A short segment stays within the clip, and the clip stays within a long one.
        ends = sorted((segment.start, segment.end - length))
        low, high = (min(max(end, 0.0), seconds - length) for end in ends)
        wanted = min(max((segment.start + segment.end - length) / 2.0, low), high)
        first = max([low, *(call.end for call in calls if call.end <= segment.start)])
        last = min([high, *(call.start - length for call in calls if call.start >= segment.end)])
        if first > last:
            held = [call for call in calls if call.start < high + length and low < call.end]
            only = ", only the one in data" if self.variant == "data_5s" else ""
            raise HoldsCallError(
                f"{length:g} s that contain {segment.start:g}-{segment.end:g} s would also contain "
                f"a part of the positive segment {_named(held)}, so there is no clip in "
                f"{self.variant}{only}",
                "Label a segment further from the call.",
            )
        start = min(max(wanted, first), last)
        return start, start + length


def plan_clips(
    segment: Segment, calls: Sequence[Segment], *, context: float | None, perch: bool
) -> list[Clip]:
    """Return the clips requested by a row, the one in ``data`` first.

    Parameters
    ----------
    segment
        The row.
    calls
        Positive segments of its file and species.
    context
        Seconds that shorter segments are padded to in ``data``.
    perch
        Whether to add a clip in ``data_5s``.

    Raises
    ------
    ImportRefusedError
        If the row is a point in time and there is no ``context``.
    """
    if segment.start == segment.end and context is None:
        raise ImportRefusedError(
            f"it is a point at {segment.start:g} s, not a segment; add --context SECONDS to cut "
            "that much around each",
            "Give it an end after its start.",
        )
    beside = calls if segment.label == PRESENCE.negative else ()
    padded = context if _is_padded(segment, context) else None
    clips = [Clip(segment, "data", padded, clip_path(segment, "data", context), beside)]
    if perch:
        path = clip_path(segment, "data_5s", context)
        clips.append(Clip(segment, "data_5s", PERCH_SECONDS, path, beside))
    return clips


def clip_path(segment: Segment, variant: str, context: float | None) -> str:
    """Return the path of a row's clip under the audio root.

    Parameters
    ----------
    segment
        The row.
    variant
        ``data`` or ``data_5s``.
    context
        Seconds that shorter segments are padded to in ``data``.
    """
    is_padded = variant == "data" and _is_padded(segment, context)
    name = clip_name(segment, context if is_padded else None)
    return f"{segment.species}/{variant}/{segment.label}/{name}"


def calls_by_file(segments: Sequence[Segment]) -> dict[tuple[str, str], list[Segment]]:
    """Return the positive segments by species and file name."""
    calls = defaultdict(list)
    for segment in segments:
        if PRESENCE.is_positive(segment.label):
            calls[segment.species, segment.file.name].append(segment)
    return calls


def require_apart(segment: Segment, calls: Sequence[Segment]) -> None:
    """Check that a negative segment contains no call.

    Raises
    ------
    HoldsCallError
        If it contains one.
    """
    if segment.label != PRESENCE.negative:
        return
    held = [call for call in calls if segment.start < call.end and call.start < segment.end]
    if held:
        raise HoldsCallError(
            f"the negative segment {segment.start:g}-{segment.end:g} s overlaps the "
            f"positive segment {_named(held)}",
            "Correct the wrong one.",
        )


def require_length(
    clip: Clip, seconds: float, limits: DurationLimits, context: float | None
) -> None:
    """Check that runs accept a clip of this duration.

    Parameters
    ----------
    clip
        The clip.
    seconds
        Duration of the clip.
    limits
        Limits of the runs.
    context
        The user's choice, if any.

    Raises
    ------
    ImportRefusedError
        If they do not; the text is the same for all clips with this fault.
    """
    fault = limits.fault(seconds)
    if fault is None:
        return
    if fault.reason == "too_long":
        raise ImportRefusedError(
            f"the segment is longer than {limits.max_seconds:g} s, which no run accepts; label "
            "shorter segments, or raise MAX_SECONDS",
            "Label shorter segments.",
        )
    if clip.length is not None:
        raise ImportRefusedError(
            f"the recording is shorter than {limits.min_seconds:g} s, which no run accepts",
            "Use longer recordings.",
        )
    offered = min(max(_OFFERED_SECONDS, limits.min_seconds), limits.max_seconds)
    offer = (
        ""
        if context is not None
        else f"; add --context {offered:g} to cut {offered:g} s around each"
    )
    raise ImportRefusedError(
        f"the segment is shorter than {limits.min_seconds:g} s, which no run accepts{offer}",
        "Add --context.",
    )


def _is_padded(segment: Segment, context: float | None) -> bool:
    # The difference of two decimals is not exact: 4.1 - 1.1 is slightly less than 3.
    return context is not None and segment.end - segment.start < context - 1e-6


def _named(calls: Sequence[Segment]) -> str:
    return ", ".join(f"{call.start:g}-{call.end:g} s of line {call.line}" for call in calls)
