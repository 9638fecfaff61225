"""Which large files can be no clip, by their size and a few bytes of them.

So that no run reads gigabytes to find that out. What a look cannot settle is settled when the file
is decoded, see :mod:`audio_assets.audio.decode`. No file is refused here that would be used there,
but for the bound on bytes, which is for files that tell too little of themselves. One that is too
long and damaged besides is called too long here.
"""

from __future__ import annotations

import struct

from audio_assets.audio.containers import container, needs_extra, told
from audio_assets.audio.decode import DurationLimits, format_fault
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.glimpse import Glimpse, NotToldError
from audio_assets.audio.more_formats import require_extra
from audio_assets.audio.parts import DamagedError, OtherCodingError, Told
from audio_assets.audio.sound import not_audio

LOOKED_AT_FROM = 2**22
"""Bytes from which a file is looked at before it is read; reading a smaller one costs little more
than a look does."""

_SAMPLE_BYTES = 4.0
# Tags, pictures and what else a file may hold beside its audio.
_BESIDE_AUDIO = 2**24


def first_look(file: Glimpse, limits: DurationLimits) -> ClipFault | None:
    """What is wrong with a file, as far as a glimpse of it tells.

    Parameters
    ----------
    file
        The file.
    limits
        What is accepted.

    Returns
    -------
    ClipFault or None
        None for a file that has to be read. It has no more bytes than a clip within the limits may
        have.
    """
    kind, found = None, None
    try:
        kind = container(file)
        if kind is None:
            raise not_audio(len(file))
        if needs_extra(kind):
            require_extra(kind)
        found = told(file, kind)
    except OtherCodingError:
        pass
    except DamagedError as error:
        return ClipFault(error.reason, str(error))
    except (NotToldError, struct.error, ValueError, ArithmeticError, LookupError):
        # The decoder will tell, of a file of a size that a clip may have.
        pass
    if found is not None:
        fault = format_fault(found.rate, found.channels)
        if fault is None and found.frames is not None:
            fault = limits.too_much(found.frames, found.rate, found.channels)
        if fault is not None:
            return fault
    # What tells how long it plays may have room set aside beside its audio.
    most = most_bytes(limits, None if found is not None and found.frames is not None else found)
    if len(file) > most:
        return ClipFault(
            "too_large",
            f"{len(file) / 1e6:.1f} MB{f' of {kind}' if kind else ''}; a clip within MAX_SECONDS "
            f"and MAX_SAMPLES has no more than {most / 1e6:.1f} MB",
        )
    return None


def most_bytes(limits: DurationLimits, found: Told | None = None) -> int:
    """Bytes that a file within the limits may have, by what it tells."""
    samples = float(limits.max_samples)
    if found is not None:
        samples = min(samples, limits.max_seconds * found.rate * found.channels)
    each = _SAMPLE_BYTES if found is None else found.sample_bytes
    return int(samples * each) + _BESIDE_AUDIO
