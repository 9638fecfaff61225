"""Cut the clips of one recording after the other, and keep track of the results.

The clips to cut are decided in :mod:`audio_assets.importing.segments`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits, hear
from audio_assets.audio.faults import ClipFault
from audio_assets.importing.layout import ImportRefusedError, write_clip
from audio_assets.importing.recording import Recording
from audio_assets.importing.clip_times import (
    Clip,
    HoldsCallError,
    PastTheEndError,
    require_length,
)
from audio_assets.tables import QUARANTINE_REASONS


class Cutting:
    """An import in progress.

    Parameters
    ----------
    root
        Audio root under which clips are written.
    rows
        Number of rows of the table.
    limits
        Durations that runs accept.
    context
        Seconds that short segments are padded to, or None.
    progress
        Called with (rows done, total rows).

    Attributes
    ----------
    kept
        Path of each existing clip -> whether this import wrote it.
    refused
        Line and reason of each row that was left out.
    holding
        Paths of clips that were left out because they would contain a call.
    remarks
        Remarks on unusual recordings that were used.
    """

    def __init__(
        self,
        root: Path,
        rows: int,
        *,
        limits: DurationLimits,
        context: float | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._root, self._rows = root, rows
        self._limits, self._context = limits, context
        self._progress = progress
        self._rows_done = 0
        self._left = Counter[int]()
        self.kept: dict[str, bool] = {}
        self.refused: list[tuple[int, str]] = []
        self.holding: set[str] = set()
        self.remarks: list[str] = []

    def expect(self, clips: Sequence[Clip]) -> None:
        """Register the clips of a row, which will be cut later."""
        self._left.update(clip.segment.line for clip in clips)

    def refuse_row(self, line: int, error: ImportRefusedError) -> None:
        """Leave out a row."""
        self.refused.append((line, error.what))
        self._count_row()

    def cut(self, path: Path, clips: Sequence[Clip]) -> None:
        """Cut the clips of a recording."""
        try:
            recording = Recording(path)
        except ImportRefusedError as error:
            for clip in clips:
                self._refuse(clip, error.what)
            return
        pending = list(clips)
        while pending:
            pending = self._pass(recording, pending)
        if recording.note:
            self.remarks.append(f"{path}: {recording.note}")
        if recording.fault:
            self.remarks.append(
                f"{path}: {recording.fault}; only segments within the {recording.seconds:.2f} s "
                "that exist were cut"
            )

    def _pass(self, recording: Recording, clips: Sequence[Clip]) -> list[Clip]:
        """Decode a recording once, and return the clips that need another pass.

        Those are clips whose position depends on the real end of the recording.
        """
        is_known = recording.is_decoded
        placed, again = list[tuple[Clip, tuple[int, int]]](), list[Clip]()
        for clip in clips:
            try:
                placed.append((clip, self._samples(clip, recording)))
            except (PastTheEndError, HoldsCallError) as error:
                if not is_known:
                    again.append(clip)
                    continue
                if isinstance(error, HoldsCallError):
                    self.holding.add(clip.path)
                cut = isinstance(error, PastTheEndError) and recording.fault
                self._refuse(clip, f"{error.what} ({recording.fault})" if cut else error.what)
            except ImportRefusedError as error:
                self._refuse(clip, error.what)
        if not placed and (is_known or not again):
            return []
        left = {index: clip for index, (clip, _) in enumerate(placed)}
        for index, data in recording.cut([samples for _, samples in placed]):
            self._keep(left.pop(index), data)
        if is_known and len(left) == len(placed):
            for clip in left.values():
                self._refuse(clip, f"{clip.segment.file.path} does not decode the same twice")
            return []
        return [*again, *left.values()]

    def _samples(self, clip: Clip, recording: Recording) -> tuple[int, int]:
        """Return the first sample of a clip, and the one after its last."""
        start, end = clip.times(recording.seconds)
        require_length(clip, round(end - start, 6), self._limits, self._context)
        rate = recording.rate
        first, stop = round(start * rate), round(end * rate)
        # Rounding to samples may make a clip of the shortest accepted duration shorter.
        stop = max(stop, first + math.ceil(self._limits.min_seconds * rate - 1e-6))
        stop = min(stop, first + math.floor(self._limits.max_seconds * rate + 1e-6))
        over = 0 if recording.frames is None else max(0, stop - recording.frames)
        return max(0, first - over), stop - over

    def _keep(self, clip: Clip, data: bytes) -> None:
        fault = hear(data, self._limits, _Discard())
        try:
            if isinstance(fault, ClipFault):
                raise ImportRefusedError(
                    f"no run would use the clip: {QUARANTINE_REASONS[fault.reason]}", "Skip it."
                )
            self.kept[clip.path] = write_clip(self._root, clip.path, data)
        except ImportRefusedError as error:
            self._refuse(clip, error.what)
        else:
            self._count(clip)

    def _refuse(self, clip: Clip, why: str) -> None:
        line = clip.segment.line
        # Both clips of a row may be left out for the same reason.
        if (line, why) not in self.refused:
            self.refused.append((line, why))
        self._count(clip)

    def _count(self, clip: Clip) -> None:
        self._left[clip.segment.line] -= 1
        if not self._left[clip.segment.line]:
            self._count_row()

    def _count_row(self) -> None:
        self._rows_done += 1
        if self._progress is not None:
            self._progress(self._rows_done, self._rows)


class _Discard:
    """A listener that ignores the samples, to check a clip for faults only."""

    def start(self, sample_rate: int) -> None:
        """See :class:`audio_assets.audio.decode.Listener`."""

    def add(self, samples: NDArray[np.float32]) -> None:
        """See :class:`audio_assets.audio.decode.Listener`."""
