"""Encoded audio is the same every time, and an Ogg page with a new serial number stays valid."""

import io
import struct

import numpy as np
import pytest
import soundfile

from audio_assets.synthetic.encoding import SUBTYPES, encode, with_ogg_serial

TONE = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
SOUND = 0.3 * TONE[:, None] + 0.02 * np.random.default_rng(0).standard_normal((16_000, 2))


@pytest.mark.parametrize("extension", SUBTYPES)
def test_encoding_twice_gives_the_same_bytes(extension: str) -> None:
    assert encode(SOUND, 16_000, extension) == encode(SOUND, 16_000, extension)


@pytest.mark.parametrize("extension", SUBTYPES)
def test_what_was_encoded_decodes_to_the_same_length_rate_and_channels(extension: str) -> None:
    decoded, rate = soundfile.read(io.BytesIO(encode(SOUND, 16_000, extension)))
    assert (decoded.shape, rate) == (SOUND.shape, 16_000)
    assert np.corrcoef(decoded[:, 0], SOUND[:, 0])[0, 1] > 0.98


def test_a_new_serial_number_leaves_the_sound_and_the_page_checksums_right() -> None:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16_000, format="OGG", subtype="VORBIS")
    original = file.getvalue()
    (serial,) = struct.unpack_from("<I", original, 14)
    changed = with_ogg_serial(original, serial ^ 1)
    assert changed != original
    # libsndfile wrote the original checksums, so restoring its serial must restore all bytes.
    assert with_ogg_serial(changed, serial) == original
    np.testing.assert_array_equal(
        soundfile.read(io.BytesIO(changed))[0], soundfile.read(io.BytesIO(original))[0]
    )


@pytest.mark.parametrize("broken", [b"RIFF" + bytes(40), b"OggS" + bytes(22) + b"\x05"])
def test_bytes_that_are_no_whole_ogg_pages_are_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="Ogg page"):
        with_ogg_serial(broken, 1)
