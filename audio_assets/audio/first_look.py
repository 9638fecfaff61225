"""Reject large files that cannot be clips by their size and a few of their bytes.

Otherwise a run would read gigabytes to find that out. Whatever this inspection cannot decide is
decided when the file is decoded, see :mod:`audio_assets.audio.decode`. No file is rejected here
that would be used there, except by the limit on bytes, which is for files whose headers reveal too
little. A file that is both too long and damaged is called too long here.
"""

from __future__ import annotations

import struct

from audio_assets.audio.containers import container, needs_extra, summary_of
from audio_assets.audio.decode import DurationLimits, format_fault
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.glimpse import Glimpse, GlimpseLimitError
from audio_assets.audio.more_formats import require_extra
from audio_assets.audio.parts import DamagedError, OtherCodingError, StreamSummary
from audio_assets.audio.sound import not_audio

INSPECTED_FROM = 2**22
"""Bytes from which a file is inspected before it is read; reading a smaller one costs little more
than inspecting it."""

_SAMPLE_BYTES = 4.0
# Tags, pictures and whatever else a file may contain beside its audio.
_BESIDE_AUDIO = 2**24


def first_look(file: Glimpse, limits: DurationLimits) -> ClipFault | None:
    """Return the fault of a file as far as a glimpse reveals it.

    Parameters
    ----------
    file
        The file.
    limits
        Accepted durations.

    Returns
    -------
    ClipFault or None
        None for a file that has to be read. Such a file is no larger than a clip within the limits
        may be.
    """
    kind, found = None, None
    try:
        kind = container(file)
        if kind is None:
            raise not_audio(len(file))
        if needs_extra(kind):
            require_extra(kind)
        found = summary_of(file, kind)
    except OtherCodingError:
        pass
    except DamagedError as error:
        return ClipFault(error.reason, str(error))
    except (GlimpseLimitError, struct.error, ValueError, ArithmeticError, LookupError):
        # Left to the decoder, for a file of acceptable size.
        pass
    if found is not None:
        fault = format_fault(found.rate, found.channels)
        if fault is None and found.frames is not None:
            fault = limits.too_much(found.frames, found.rate, found.channels)
        if fault is not None:
            return fault
    # A file of known duration may have reserved space beside its audio.
    most = most_bytes(limits, None if found is not None and found.frames is not None else found)
    if len(file) > most:
        return ClipFault(
            "too_large",
            f"{len(file) / 1e6:.1f} MB{f' of {kind}' if kind else ''}; a clip within MAX_SECONDS "
            f"and MAX_SAMPLES has no more than {most / 1e6:.1f} MB",
        )
    return None


def most_bytes(limits: DurationLimits, found: StreamSummary | None = None) -> int:
    """Return the most bytes that a file within the limits may have, given its summary."""
    samples = float(limits.max_samples)
    if found is not None:
        samples = min(samples, limits.max_seconds * found.rate * found.channels)
    each = _SAMPLE_BYTES if found is None else found.sample_bytes
    return int(samples * each) + _BESIDE_AUDIO
