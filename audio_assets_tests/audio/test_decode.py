"""Each rule of what becomes of a file: used, or refused for a reason that can be read."""

import io
import re
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.audio import decode
from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault

LIMITS = DurationLimits()
FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
LOSSLESS = [item for item in FORMATS if item[0] not in ("OGG", "MP3")]


def noise(seconds: float = 1.0, rate: int = 24_000, channels: int = 1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=(round(seconds * rate), channels)).astype(np.float32)


def encode(
    samples: np.ndarray, rate: int = 24_000, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def used(data: bytes, limits: DurationLimits = LIMITS) -> Waveform:
    result = decode_clip(data, limits)
    assert isinstance(result, Waveform), result
    assert result.samples.dtype == np.float32
    assert result.samples.ndim == 1
    assert np.isfinite(result.samples).all()
    return result


def refused(data: bytes, reason: str, detail: str = "", limits: DurationLimits = LIMITS) -> None:
    result = decode_clip(data, limits)
    assert isinstance(result, ClipFault), result
    assert result.reason == reason
    assert re.search(detail, result.detail), result.detail


def data_chunk(wav: bytes) -> int:
    return wav.index(b"data")


def with_sizes(wav: bytes, *, riff: int, data: int) -> bytes:
    at = data_chunk(wav)
    pack = struct.Struct("<I").pack
    return wav[:4] + pack(riff) + wav[8 : at + 4] + pack(data) + wav[at + 8 :]


# What is used


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_every_format_is_decoded(kind: str, subtype: str) -> None:
    waveform = used(encode(noise(), kind=kind, subtype=subtype))
    assert (waveform.sample_rate, waveform.channels) == (24_000, 1)
    assert waveform.seconds == 1.0
    quantised = 1 / 64 if subtype == "PCM_U8" else 1e-4
    if (kind, subtype) in LOSSLESS:
        np.testing.assert_allclose(waveform.samples, noise()[:, 0], atol=quantised)


@pytest.mark.parametrize("channels", [*range(1, 9), 16, 64])
def test_channels_are_averaged(channels: int) -> None:
    samples = noise(channels=channels)
    waveform = used(encode(samples, subtype="FLOAT"))
    assert waveform.channels == channels
    np.testing.assert_allclose(waveform.samples, samples.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("rate", [1_000, 8_000, 22_050, 96_000, 384_000, 768_000])
def test_every_rate_from_1_to_768_khz_is_used(rate: int) -> None:
    waveform = used(encode(noise(rate=rate), rate))
    assert (waveform.sample_rate, waveform.seconds) == (rate, 1.0)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_long_clip_decoded_in_blocks_is_the_same_as_at_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(noise(5.0, channels=2), kind=kind)
    at_once = used(data).samples
    monkeypatch.setattr(decode, "BLOCK_VALUES", 20_014)
    np.testing.assert_array_equal(used(data).samples, at_once)


def test_big_endian_wav_is_used() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(), 24_000, format="WAV", endian="BIG")
    assert buffer.getvalue()[:4] == b"RIFX"
    np.testing.assert_allclose(used(buffer.getvalue()).samples, noise()[:, 0], atol=1e-4)
    refused(buffer.getvalue()[:-10_000], "undecodable", "cut off")


@pytest.mark.parametrize("level", [3e38, 1e300, 1.7e308])
def test_extreme_float_samples_stay_finite_through_averaging_and_resampling(level: float) -> None:
    from audio_assets.audio.resample import resample

    samples = np.sign(noise(channels=8).astype(np.float64)) * level
    waveform = used(encode(samples, subtype="DOUBLE"))
    assert np.abs(waveform.samples).max() <= 1
    assert np.isfinite(resample(waveform.samples, 24_000, 48_000)).all()


def test_float_samples_above_full_scale_keep_their_level() -> None:
    samples = noise() * 32_768
    np.testing.assert_array_equal(used(encode(samples, subtype="FLOAT")).samples, samples[:, 0])


# What is refused


def test_no_bytes_are_an_empty_file() -> None:
    refused(b"", "empty_file", "0 bytes")


@pytest.mark.parametrize("kind", ["WAV", "RF64", "OGG"])
def test_a_header_without_samples_has_no_samples(kind: str) -> None:
    refused(encode(np.zeros((0, 1)), kind=kind), "no_samples")


def test_a_wav_of_which_the_header_alone_is_left_has_no_samples() -> None:
    refused(encode(noise())[:44], "no_samples")


def test_an_empty_data_chunk_before_another_chunk_has_no_samples() -> None:
    header = encode(np.zeros((0, 1)))[:44]
    wav = header + b"LIST" + struct.pack("<I", 40_000) + bytes(40_000)
    refused(with_sizes(wav, riff=len(wav) - 8, data=0), "no_samples")


@pytest.mark.parametrize(
    "data",
    [b"x", b"RIFF", bytes(5_000), b"a,b\n1,2\n" * 99, b"\xff\xfb\x90\x00" + bytes(999)],
    ids=["one byte", "four bytes", "zeros", "text", "one MPEG frame header"],
)
def test_what_is_no_sound_file_is_not_audio(data: bytes) -> None:
    refused(data, "not_audio", f"{len(data)} bytes")


@pytest.mark.parametrize("kind", ["VOC", "NIST", "SVX"])
def test_formats_of_other_times_are_not_audio(kind: str) -> None:
    refused(encode(noise(), kind=kind, subtype="PCM_16"), "not_audio")


@pytest.mark.parametrize(("rate", "channels"), [(999, 1), (768_001, 1), (24_000, 65)])
def test_rates_and_channels_out_of_range_are_not_audio(rate: int, channels: int) -> None:
    figure = rate if channels == 1 else channels
    refused(encode(noise(1, rate, channels), rate), "not_audio", f"^{figure} .*outside")


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_a_file_that_was_cut_off_is_refused(kind: str, subtype: str, share: float) -> None:
    data = encode(noise(3.0), kind=kind, subtype=subtype)
    used(data)
    refused(data[: int(len(data) * share)], "undecodable", "cut off: .* s are missing|cut off")


@pytest.mark.parametrize("kind", ["WAV", "MP3"])
def test_a_file_that_lacks_less_than_50_ms_is_used(kind: str) -> None:
    data = encode(noise(3.0), kind=kind)
    assert 2.95 <= used(data[: int(len(data) * 0.99)]).seconds <= 3.0


def test_a_cut_wav_says_how_much_is_missing() -> None:
    refused(encode(noise())[:-4800], "undecodable", "0.10 s of the 1.00 s that its header promises")


def test_an_ogg_without_its_last_page_is_used() -> None:
    data = encode(noise(9.0), kind="OGG")
    assert 8.0 < used(data[: data.rindex(b"OggS")]).seconds < 9.0


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF])
def test_a_wav_whose_sizes_a_streaming_writer_left_open_is_used(size: int, riff: int) -> None:
    wav = encode(noise())
    expected = used(wav).samples
    np.testing.assert_array_equal(used(with_sizes(wav, riff=riff, data=size)).samples, expected)


def flac_header(data: bytes, *, samples: int, md5: bytes | None = None) -> bytes:
    # STREAMINFO: the number of samples is the low 36 bits of bytes 10 to 17 of its body, the MD5
    # follows.
    field = int.from_bytes(data[18:26], "big")
    md5 = data[26:42] if md5 is None else md5
    return data[:18] + ((field >> 36 << 36) | samples).to_bytes(8, "big") + md5 + data[42:]


@pytest.mark.parametrize("promised", [48_000, 2**36 - 1])
def test_a_flac_with_fewer_frames_than_its_header_says_is_refused(promised: int) -> None:
    data = flac_header(encode(noise(), kind="FLAC"), samples=promised, md5=bytes(16))
    refused(data, "undecodable", "1.00 s|are missing")


@pytest.mark.parametrize("promised", [12_000, 48_000, 2**36 - 1])
def test_a_flac_whose_checksum_fits_is_used_whatever_its_header_counts(promised: int) -> None:
    whole = encode(noise(), kind="FLAC")
    waveform = used(flac_header(whole, samples=promised))
    np.testing.assert_array_equal(waveform.samples, used(whole).samples)
    assert "1.00 s are there and were used" in str(waveform.note)


@pytest.mark.parametrize(
    ("seconds", "reason"), [(0.4, "too_short"), (1.0, None), (3.0, "too_long")]
)
def test_a_flac_that_leaves_its_length_open_is_read_to_its_end(
    seconds: float, reason: str | None
) -> None:
    whole = encode(noise(seconds), kind="FLAC")
    data = bytearray(whole)
    field = int.from_bytes(data[18:26], "big")
    data[18:26] = (field >> 36 << 36).to_bytes(8, "big")
    limits = DurationLimits(0.5, 2.0)
    if reason is None:
        np.testing.assert_array_equal(used(bytes(data)).samples, used(whole).samples)
        refused(bytes(data[:-4000]), "undecodable")
    else:
        refused(bytes(data), reason, limits=limits)


@pytest.mark.parametrize("kind", ["FLAC", "OGG"])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_a_flipped_bit_never_changes_checksummed_audio(kind: str, where: float, bit: int) -> None:
    data = bytearray(encode(noise(), kind=kind))
    data[int(where * len(data))] ^= 1 << bit
    result = decode_clip(bytes(data), LIMITS)
    if isinstance(result, Waveform):
        np.testing.assert_array_equal(result.samples, used(encode(noise(), kind=kind)).samples)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(0.49, "too_short"), (0.5, None), (2.0, None), (2.01, "too_long")],
)
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_durations_outside_the_limits_are_refused(
    kind: str, seconds: float, reason: str | None
) -> None:
    data = encode(noise(seconds), kind=kind)
    limits = DurationLimits(0.5, 2.0)
    if reason is None:
        assert used(data, limits).seconds == seconds
    else:
        refused(data, reason, f"{seconds:.1f}", limits)


def test_a_clip_that_is_too_long_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(soundfile.SoundFile, "read", read)
    refused(encode(noise(3.0), kind="FLAC"), "too_long", "3.0 s", DurationLimits(0.5, 2.0))


def test_a_header_that_lies_does_not_cost_memory() -> None:
    import tracemalloc

    promised = 599 * 24_000
    data = flac_header(encode(noise(), kind="FLAC"), samples=promised, md5=bytes(16))
    tracemalloc.start()
    try:
        refused(data, "undecodable")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < promised * 8 / 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_not_finite_are_refused(value: float, subtype: str) -> None:
    samples = noise(channels=2)
    samples[12_000, 1] = value
    refused(encode(samples, subtype=subtype), "non_finite", "0.500 s into")


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a_clip_whose_samples_are_all_equal_is_silent(value: float) -> None:
    refused(encode(np.full((24_000, 1), value)), "silent", "all 24000 samples")


@pytest.mark.parametrize("louder", [0, 1])
@pytest.mark.parametrize("below_db", [31.0, np.inf])
def test_of_channels_that_cancel_the_louder_is_used_and_said(louder: int, below_db: float) -> None:
    samples = noise()
    other = -samples * (1.0 - 10.0 ** (-below_db / 20.0))
    pair = [samples, other] if louder == 0 else [other, samples]
    waveform = used(encode(np.hstack(pair), subtype="FLOAT"))
    heard = samples if louder == 0 or below_db < np.inf else other
    np.testing.assert_array_equal(waveform.samples, heard[:, 0].astype(np.float32))
    assert "channel" in str(waveform.note)


@pytest.mark.parametrize("kind", ["one dead channel", "29 dB", "64 channels and one alive"])
def test_channels_that_do_not_cancel_are_averaged(kind: str) -> None:
    samples = noise()
    others = {
        "one dead channel": [0 * samples],
        "29 dB": [-samples * (1.0 - 10.0 ** (-29.0 / 20.0))],
        "64 channels and one alive": [0 * samples] * 63,
    }
    channels = np.hstack([samples, *others[kind]])
    waveform = used(encode(channels, subtype="FLOAT"))
    assert waveform.note is None
    np.testing.assert_allclose(waveform.samples, channels.mean(axis=1), atol=1e-7)


def test_one_sample_that_differs_is_no_silence() -> None:
    samples = np.zeros((24_000, 1))
    samples[7] = 1 / 2**15
    used(encode(samples))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-1, 1), (2, 1), (1, np.inf), (np.nan, 1), (1, np.nan)]
)
def test_limits_that_no_duration_meets_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no durations"):
        DurationLimits(low, high)


# Any bytes


def holds(result: Waveform | ClipFault) -> None:
    if isinstance(result, Waveform):
        assert len(result.samples)
        assert np.isfinite(result.samples).all()
        assert LIMITS.fault(result.seconds) is None


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"RIFF____WAVE", b"RF64____WAVE", b"fLaC", b"OggS", b"ID3", b"\xff\xfb"]),
)
def test_random_bytes_never_raise(data: bytes, start: bytes) -> None:
    holds(decode_clip(start + data, LIMITS))


@given(
    st.sampled_from(range(len(FORMATS))),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
    st.booleans(),
)
@settings(max_examples=300)
def test_damaged_files_never_raise_and_never_give_nan(
    index: int, changes: list[tuple[float, int]], share: float, in_header: bool
) -> None:
    kind, subtype = FORMATS[index]
    data = bytearray(encode(noise(0.6, channels=2), kind=kind, subtype=subtype))
    span = min(len(data), 200) if in_header else len(data)
    for where, byte in changes:
        data[int(where * span)] = byte
    if share > 0.5:
        data = data[: int(len(data) * share)]
    holds(decode_clip(bytes(data), LIMITS))
