"""Count the samples in the packets of an Ogg stream, by its codec: Vorbis or Opus.

FLAC is extracted from its pages and read as native FLAC. Using the counts belongs in
:mod:`audio_assets.audio.ogg`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from audio_assets.audio.parts import DamagedError

_OPUS_CLOCK = 48_000
# Samples at 48 kHz of an Opus frame by the configuration in its first byte (RFC 6716, table 2).
_SILK, _HYBRID, _CELT = (480, 960, 1_920, 2_880), (480, 960), (120, 240, 480, 960)
# The rates that libsndfile decodes Opus to.
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
# Bytes before the native signature in the first packet of FLAC.
OGG_FLAC_HEADER = 9
_OTHERS = (b"Speex   ", b"fishead\0", b"\x80theora")


class HasPosition(Protocol):
    """The part of a page that this module uses."""

    @property
    def position(self) -> int:
        """Samples up to the end of the page."""


class Codec:
    """A stream's codec.

    Attributes
    ----------
    rate
        Sample rate of the decoded audio in Hz.
    clock
        Rate of positions in Hz.
    skip
        Samples of the clock at the start that are not played.
    channels
        Number of channels; 0 if another header has it.
    """

    rate: int
    clock: int
    skip = 0
    channels = 0

    def samples(self, packet: bytes) -> int:
        """Return the samples per channel, on the clock, that the next packet adds."""
        raise NotImplementedError

    def first_page(self, page: bytes) -> bytes:
        """Return the first page as the decoder needs it, with its old checksum."""
        return page

    def offset(self, pages: Sequence[HasPosition], ends: Sequence[int]) -> int:
        """Return the position at which the stream begins, which is not 0 for an excerpt.

        Parameters
        ----------
        pages, ends
            Pages, and the samples up to the end of each according to the packets.
        """
        pairs = zip(pages[:-1], ends[:-1], strict=True)
        steps = [page.position - end for page, end in pairs if page.position > 0 and end > 0]
        # Most pages agree; one that does not is wrong.
        return max(set(steps), key=steps.count) if steps else 0


class Vorbis(Codec):
    """Vorbis I."""

    def __init__(self, packet: bytes) -> None:
        if len(packet) < 30:
            raise DamagedError("the file is damaged: its Vorbis header is too short")
        self.channels = packet[11]
        self.rate = self.clock = int.from_bytes(packet[12:16], "little")
        if not self.rate:
            raise DamagedError("the file is damaged: its header gives a sample rate of 0 Hz")
        self._sizes = (1 << (packet[28] & 15), 1 << (packet[28] >> 4))
        self._modes: list[int] | None = None
        self._before: int | None = None

    def samples(self, packet: bytes) -> int:
        """See :meth:`Codec.samples`."""
        if packet[:7] == b"\x05vorbis":
            self._modes = vorbis_modes(packet)
            return 0
        if not packet or packet[0] & 1 or self._modes is None:
            return 0
        mode = packet[0] >> 1 & ((1 << (len(self._modes) - 1).bit_length()) - 1)
        if mode >= len(self._modes):
            raise DamagedError("the file is damaged: a Vorbis packet has no such mode")
        size = self._sizes[self._modes[mode]]
        before, self._before = self._before, size
        return 0 if before is None else (before + size) // 4


class Opus(Codec):
    """Opus (RFC 7845)."""

    clock = _OPUS_CLOCK

    def __init__(self, packet: bytes) -> None:
        if len(packet) < 19:
            raise DamagedError("the file is damaged: its Opus header is too short")
        self.channels = packet[9]
        self.skip = int.from_bytes(packet[10:12], "little")
        rate = int.from_bytes(packet[12:16], "little")
        self.rate = next((known for known in _OPUS_RATES if known >= rate), _OPUS_CLOCK)
        self._is_open = not rate
        if not rate:
            self.rate = _OPUS_CLOCK

    def first_page(self, page: bytes) -> bytes:
        """See :meth:`Codec.first_page`."""
        at = page.find(b"OpusHead") + 12
        if not self._is_open:
            return page
        # libsndfile interprets an open rate as the lowest one.
        return page[:at] + _OPUS_CLOCK.to_bytes(4, "little") + page[at + 4 :]

    def samples(self, packet: bytes) -> int:
        """See :meth:`Codec.samples`."""
        if not packet or packet[:8] in (b"OpusHead", b"OpusTags"):
            return 0
        config, code = packet[0] >> 3, packet[0] & 3
        if config < 12:
            each = _SILK[config & 3]
        elif config < 16:
            each = _HYBRID[config & 1]
        else:
            each = _CELT[config & 3]
        if code < 3:
            return each * (1 if code == 0 else 2)
        return each * (packet[1] & 63) if len(packet) > 1 else 0


class OggFlac(Codec):
    """FLAC in Ogg (RFC 9639, 10.1)."""

    def __init__(self, packet: bytes) -> None:
        if len(packet) < 51:
            raise DamagedError("the file is damaged: its FLAC header is too short")
        self.rate = self.clock = int.from_bytes(packet[27:30], "big") >> 4
        if not self.rate:
            raise DamagedError("the file is damaged: its header gives a sample rate of 0 Hz")


CODECS: Mapping[bytes, Callable[[bytes], Codec]] = {
    b"\x01vorbis": Vorbis,
    b"OpusHead": Opus,
    b"\x7fFLAC": OggFlac,
}
"""Start of a stream's first packet -> codec."""


def identify(start: bytes) -> bytes | None:
    """Return the signature of a stream by its first packet, a key of :data:`CODECS` or not."""
    return next((magic for magic in (*CODECS, *_OTHERS) if start.startswith(magic[:8])), None)


def vorbis_modes(packet: bytes) -> list[int]:
    """Return 1 for each mode with long blocks in a Vorbis setup header, else 0.

    The header is read from its end, where the modes are (Vorbis I, 4.2.4): 41 bits each, of which
    32 are 0 and 8 are a mapping below 64, after their number less 1 in 6 bits.

    Raises
    ------
    DamagedError
        If there are none.
    """
    bits = int.from_bytes(packet, "little")
    top = bits.bit_length() - 1  # the framing bit
    flags: list[int] = []
    found = 0
    at = top
    while at >= 47 and len(flags) < 64:
        mode = bits >> (at - 41) & ((1 << 41) - 1)
        if mode >> 33 > 63 or mode >> 1 & 0xFFFFFFFF:
            break
        flags.append(mode & 1)
        at -= 41
        if (bits >> (at - 6) & 63) + 1 == len(flags):
            found = len(flags)
    if not found:
        raise DamagedError("the file is damaged: its Vorbis header has no modes")
    return flags[:found][::-1]
