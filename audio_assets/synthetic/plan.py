"""Plan the recordings and clips of the demo audio, their names and their file formats.

Everything about a clip except its sound is decided here, so that it can be decided without the
label: a recording's file format, rate, channels, length, level and number of clips depend only on
its *slot*, and every class of every species fills the same slots. Thus none of these can
distinguish a positive from a negative, not even by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audio_assets.synthetic.backgrounds import KINDS
from audio_assets.tables.task import PRESENCE

SPECIES = ("coyote", "bullfrog", "human_vocal")

RECORDINGS = {"coyote": 27, "bullfrog": 28, "human_vocal": 26}
"""Recordings per class."""

FIXED_SECONDS = 5
"""Length of the clips under data_5s."""

BORROWED_EVERY = 7
"""One in this many negative recordings is a copy of another species' positive recording."""

# A slot's index selects from each of these cyclically. Their lengths are coprime, so that no
# combination repeats within a class; every format is among the first six. MP3 and Ogg get low
# rates, because encoding them takes ten times as long as WAV and grows with the rate.
_CLIP_COUNTS = (3, 5, 2, 4, 5, 1, 4)
_SECONDS = (3, 5, 3, 6, 4, 9, 3, 6, 3, 7, 3, 5, 4)
_FORMATS = ("wav", "flac", "wav", "mp3", "wav", "ogg", "wav", "wav", "flac", "wav", "wav")
_RATES = tuple(
    round(1000 * kilohertz)
    for kilohertz in (22.05, 16, 44.1, 22.05, 16, 16, 48, 22.05, 16)
    + (44.1, 16, 22.05, 22.05, 16, 16, 22.05, 22.05)
)
_HIGH_RATE, _HIGH_RATE_SLOT = 96_000, 6
_STEREO_EVERY, _FIRST_STEREO = 12, 4


@dataclass(frozen=True)
class Slot:
    """The properties of a recording apart from its sound.

    Attributes
    ----------
    index
        Place among the recordings of its class.
    clips
        Number of clips cut from it.
    seconds
        Length of its clips under data.
    extension
        File format: wav, flac, ogg or mp3.
    rate
        Hz.
    channels
        1 or 2.
    level
        Root mean square of its clips in dB below full scale; a clip strays from it by
        :data:`audio_assets.synthetic.scenes.LEVEL_SPREAD` dB.
    place_kind
        Kind of background.
    """

    index: int
    clips: int
    seconds: int
    extension: str
    rate: int
    channels: int
    level: float
    place_kind: str


@dataclass(frozen=True)
class Recording:
    """The sound of a recording: ``species`` with ``label`` in a slot."""

    seed: int
    species: str
    label: str
    slot: Slot

    @property
    def segment(self) -> str:
        """Name of the source segment, `t-{8 digits}_{number}`: unique within the demo audio."""
        number = SPECIES.index(self.species) * 2 + PRESENCE.is_positive(self.label)
        rng = self.rng(-1)
        month, day = rng.integers(1, 13), rng.integers(1, 29)
        # The last digits are unique, whatever date was drawn.
        return f"t-{month:02d}{day:02d}{1961 + number:04d}_{100 + self.slot.index}"

    def rng(self, clip: int | None = None) -> np.random.Generator:
        """Return a new generator of the recording, or of one of its clips."""
        key = [SPECIES.index(self.species), int(PRESENCE.is_positive(self.label)), self.slot.index]
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(*key, 0 if clip is None else clip + 2))
        )


@dataclass(frozen=True)
class Entry:
    """A recording in a species folder, as a positive or a negative."""

    folder: str
    label: str
    recording: Recording

    def clip_name(self, clip: int, seconds: int) -> str:
        """Return a file name such as `coyote-pos-t-11031961_122_9sec_1_a.wav`."""
        letter = "abcdefghij"[clip]
        slot = self.recording.slot
        stem = f"{self.folder}-{self.label}-{self.recording.segment}_{seconds}sec_1_{letter}"
        return f"{stem}.{slot.extension}"


def draw_slots(seed: int, count: int) -> tuple[Slot, ...]:
    """Return the first ``count`` slots, equal for all classes; only levels depend on the seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2**16,)))
    return tuple(
        Slot(
            index=index,
            clips=_CLIP_COUNTS[index % len(_CLIP_COUNTS)],
            seconds=_SECONDS[index % len(_SECONDS)],
            extension=_FORMATS[index % len(_FORMATS)],
            rate=_HIGH_RATE if index == _HIGH_RATE_SLOT else _RATES[index % len(_RATES)],
            channels=2 if index % _STEREO_EVERY == _FIRST_STEREO else 1,
            level=float(rng.uniform(-36, -22)),
            place_kind=KINDS[index % len(KINDS)],
        )
        for index in range(count)
    )


def draw_entries(
    seed: int, species: tuple[str, ...], recordings_per_class: int | None
) -> Iterator[Entry]:
    """Yield the recordings of each species folder, positives first.

    Some slots of the negatives are filled with the positive recording of another species in the
    same slot, whether or not that species is written as well.
    """
    largest = recordings_per_class or max(RECORDINGS.values())
    slots = draw_slots(seed, largest)
    for name in species:
        count = recordings_per_class or RECORDINGS[name]
        others = [other for other in SPECIES if other != name]
        for slot in slots[:count]:
            yield Entry(name, PRESENCE.positive, Recording(seed, name, PRESENCE.positive, slot))
        for slot in slots[:count]:
            lender = others[slot.index % len(others)]
            borrowed = slot.index % BORROWED_EVERY == 1 and slot.index < (
                recordings_per_class or RECORDINGS[lender]
            )
            source = (lender, PRESENCE.positive) if borrowed else (name, PRESENCE.negative)
            yield Entry(name, PRESENCE.negative, Recording(seed, *source, slot))
