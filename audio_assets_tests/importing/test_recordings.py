"""Clips cut out of recordings whose headers are wrong, that are cut off, or of unusual kinds."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.parts import DamagedError
from audio_assets.audio.sound import open_sound
from audio_assets.errors import AudioAssetsError
from audio_assets.importing.layout import Imported
from audio_assets.importing.segments import import_segments

RATE = 24_000
SECONDS = 20


def steps(rate: int = RATE, seconds: int = SECONDS) -> np.ndarray:
    """A tone whose second k is 300 + 100 k Hz high, with a little noise."""
    time = np.arange(seconds * rate) / rate
    noise = np.random.default_rng(0).normal(size=len(time))
    return 0.3 * np.sin(2 * np.pi * (300 + 100 * np.floor(time)) * time) + 0.001 * noise


def encoded(form: str, subtype: str | None = None, samples: np.ndarray | None = None) -> bytes:
    out = io.BytesIO()
    samples = steps() if samples is None else samples
    soundfile.write(out, samples, RATE, format=form, subtype=subtype)
    return out.getvalue()


def wav(data_size: int | None = None, riff_size: int | None = None, keep: float = 1.0) -> bytes:
    body = (steps() * 32_767).astype("<i2").tobytes()
    size = len(body) if data_size is None else data_size
    riff = size + 36 if riff_size is None else riff_size
    header = b"RIFF" + struct.pack("<I", riff & 0xFFFFFFFF) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return header + b"data" + struct.pack("<I", size) + body[: int(keep * len(body))]


def with_total(flac: bytes, samples: int) -> bytes:
    packed = int.from_bytes(flac[18:26], "big")
    return flac[:18] + (packed >> 36 << 36 | samples).to_bytes(8, "big") + flac[26:]


def imported(
    folder: Path, recording: bytes, rows: list[tuple[float, float, str]], name: str = "r.wav",
    *, perch: bool = False, context: float | None = None, limits: DurationLimits | None = None,
) -> Imported:  # fmt: skip
    (folder / name).write_bytes(recording)
    lines = "".join(f"{name},{start},{end},{label}\n" for start, end, label in rows)
    (folder / "t.csv").write_text(f"file,start,end,label\n{lines}")
    return import_segments(
        folder / "t.csv",
        folder / "out",
        species="owl",
        perch=perch,
        context=context,
        limits=limits,
    )


def onsets(clip: Path) -> tuple[float, list[float]]:
    """Seconds of a clip, and the seconds of :func:`steps` that it holds by their pitch."""
    samples, rate = soundfile.read(clip, always_2d=True)
    found = []
    for at in range(0, len(samples) - rate // 4, rate // 4):
        part = samples[at : at + rate // 4, 0]
        peak = np.fft.rfftfreq(len(part), 1 / rate)[np.argmax(np.abs(np.fft.rfft(part)))]
        found.append(round((peak - 300) / 100, 1))
    return len(samples) / rate, found


N = SECONDS * RATE * 2
WHOLE = {
    "good.wav": wav,
    "off by a header.wav": lambda: wav(N + 44, N + 80),
    "streamed.wav": lambda: wav(0, 36),
    "placeholder.wav": lambda: wav(0xFFFFFFFF, 0xFFFFFFFF),
    "sox.wav": lambda: wav(0x7FFFF000, 0x7FFFF024),
    "arecord.wav": lambda: wav(0x80000000, 0x80000024),
    "half.wav": lambda: wav(N // 2),
    "tiny.wav": lambda: wav(44, 80),
    "adpcm.wav": lambda: encoded("WAV", "IMA_ADPCM"),
    "good.flac": lambda: encoded("FLAC"),
    "doubled.flac": lambda: with_total(encoded("FLAC"), 2 * SECONDS * RATE),
    "halved.flac": lambda: with_total(encoded("FLAC"), SECONDS * RATE // 2),
    "open.flac": lambda: with_total(encoded("FLAC"), 0),
    "good.ogg": lambda: encoded("OGG", "VORBIS"),
    "good.opus": lambda: encoded("OGG", "OPUS"),
    "good.mp3": lambda: encoded("MP3"),
    "good.aif": lambda: encoded("AIFF"),
    "good.w64": lambda: encoded("W64"),
    "good.caf": lambda: encoded("CAF"),
    "good.au": lambda: encoded("AU"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_segment_is_where_the_table_says_whatever_the_header_claims(
    name: str, tmp_path: Path
) -> None:
    times = [(2, 4), (15, 17), (18, 20)]
    rows = [(start, end, "pos") for start, end in times]
    done = imported(tmp_path, WHOLE[name](), [*rows, (19, 21, "pos"), (25, 27, "pos")], name)
    assert [left.line for left in done.refused] == [5, 6]
    for path, (start, end) in zip(done.written, times, strict=True):
        seconds, pitches = onsets(tmp_path / "out" / path)
        assert seconds == pytest.approx(end - start, abs=0.01)
        assert pitches[::2] == [start, start, start + 1, start + 1], name


@pytest.mark.parametrize("name", ["half.wav", "doubled.flac"])
def test_a_header_that_was_wrong_is_said_once_and_is_no_fault(name: str, tmp_path: Path) -> None:
    done = imported(tmp_path, WHOLE[name](), [(2, 4, "pos"), (17, 19, "pos")], name)
    assert done.refused == () and len(done.written) == 2
    (remark,) = done.remarks
    assert "its header counts" in remark and "20.00 s are there and were used" in remark


CUT = {
    "cut.wav": (lambda: wav(keep=0.5), 10.0),
    "cut.flac": (lambda: encoded("FLAC")[:-200_000], None),
    "cut at a frame.flac": (lambda: with_total(encoded("FLAC"), 0)[:-200_000], None),
    "cut.ogg": (lambda: encoded("OGG", "VORBIS")[:-20_000], None),
    "cut.mp3": (lambda: encoded("MP3")[:-20_000], None),
    "cut.aif": (lambda: encoded("AIFF")[: N // 2], 10.0),
}


@pytest.mark.parametrize("name", CUT)
def test_of_a_recording_that_is_cut_off_the_segments_in_what_is_there_are_cut(
    name: str, tmp_path: Path
) -> None:
    make, length = CUT[name]
    done = imported(tmp_path, make(), [(2, 4, "pos"), (18, 20, "neg")], name)
    (path,) = done.written
    seconds, pitches = onsets(tmp_path / "out" / path)
    assert seconds == 2.0 and pitches[::2] == [2.0, 2.0, 3.0, 3.0]
    ((line, why),) = [(left.line, left.why) for left in done.refused]
    assert line == 3 and "the segment ends at 20 s" in why
    (remark,) = done.remarks
    assert ("missing" in remark or "cut off" in remark) and "that exist were cut" in remark
    if length is not None:
        assert f"has {length:.2f} s" in why and f"{length:.2f} s that exist" in remark


@pytest.mark.parametrize(
    ("form", "subtype", "dtype"),
    [
        ("WAV", "PCM_U8", "int16"),
        ("WAV", "PCM_16", "int16"),
        ("WAV", "PCM_24", "int32"),
        ("WAV", "PCM_32", "int32"),
        ("WAV", "FLOAT", "float32"),
        ("WAV", "DOUBLE", "float64"),
        ("FLAC", "PCM_16", "int16"),
        ("FLAC", "PCM_24", "int32"),
        ("AIFF", "PCM_32", "int32"),
        ("CAF", "PCM_24", "int32"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_clip_keeps_the_bits_of_its_recording(
    form: str, subtype: str, dtype: str, channels: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    if dtype.startswith("int"):
        limit = 2 ** (15 if dtype == "int16" else 31)
        whole = rng.integers(-limit, limit, (8 * 4_000, channels)).astype(dtype)
        whole[9_000:9_002] = [[-limit], [limit - 1]]
    else:
        whole = (3 * rng.normal(size=(8 * 4_000, channels))).astype(dtype)
    out = io.BytesIO()
    soundfile.write(out, whole, 4_000, format=form, subtype=subtype)
    done = imported(tmp_path, out.getvalue(), [(1.5, 4.25, "pos")], "r.x")
    (path,) = done.written
    expected, _ = soundfile.read(io.BytesIO(out.getvalue()), dtype=dtype, always_2d=True)
    with soundfile.SoundFile(tmp_path / "out" / path) as clip:
        assert (clip.samplerate, clip.channels, clip.subtype) == (4_000, channels, subtype)
        np.testing.assert_array_equal(clip.read(dtype=dtype, always_2d=True), expected[6000:17000])


@pytest.mark.parametrize(("rate", "channels"), [(1_000, 1), (768_000, 1), (48_000, 64)])
def test_every_rate_and_number_of_channels_that_runs_use_is_cut(
    rate: int, channels: int, tmp_path: Path
) -> None:
    whole = np.random.default_rng(2).integers(-9, 9, (3 * rate, channels)).astype(np.int16)
    out = io.BytesIO()
    soundfile.write(out, whole, rate, format="WAV")
    (path,) = imported(tmp_path, out.getvalue(), [(1, 2, "pos")]).written
    clip, found = soundfile.read(tmp_path / "out" / path, dtype="int16", always_2d=True)
    assert found == rate
    np.testing.assert_array_equal(clip, whole[rate : 2 * rate])


@pytest.mark.parametrize(("rate", "channels"), [(999, 1), (800_000, 1), (8_000, 65)])
def test_a_rate_or_number_of_channels_that_no_run_uses_is_said(
    rate: int, channels: int, tmp_path: Path
) -> None:
    out = io.BytesIO()
    soundfile.write(out, np.ones((2 * rate, channels)) / 3, rate, format="WAV")
    done = imported(tmp_path, out.getvalue(), [(0, 1, "pos"), (1, 2, "neg")])
    assert done.written == ()
    assert len({left.why for left in done.refused}) == 1 and "runs accept" in done.refused[0].why


def test_clips_that_no_run_would_use_are_not_written_and_have_one_reason_a_kind(
    tmp_path: Path,
) -> None:
    sound = steps()
    sound[2 * RATE : 5 * RATE] = 0.0
    sound[6 * RATE] = np.nan
    rows = [(2.5, 3.5), (3.5, 4.5), (5.5, 6.5), (8, 8.1), (9, 9.4), (10, 14.5), (10, 12)]
    done = imported(
        tmp_path,
        encoded("WAV", "FLOAT", sound),
        [(*times, "pos") for times in rows],
        limits=DurationLimits(0.5, 4.0),
    )
    assert [path.split("_")[-1] for path in done.written] == ["10-12s.wav"]
    whys = [left.why for left in done.refused]
    assert len(whys) == 6 and len(set(whys)) == 4
    assert "same value" in whys[0] and "NaN" in whys[2]
    assert "shorter than 0.5 s" in whys[3] and "--context 3 " in whys[3]
    assert "longer than 4 s" in whys[5]


def test_a_segment_of_the_shortest_duration_is_not_made_shorter_by_rounding(tmp_path: Path) -> None:
    out = io.BytesIO()
    soundfile.write(out, np.random.default_rng(3).normal(size=11_025 * 4), 11_025, format="WAV")
    rows = [(round(k / 10 + 0.03, 2), round(k / 10 + 0.53, 2), "pos") for k in range(34)]
    done = imported(tmp_path, out.getvalue(), rows)
    assert done.refused == () and len(done.written) == 34


def test_a_short_segment_gets_its_context_around_its_middle_within_the_recording(
    tmp_path: Path,
) -> None:
    rows = [(0.1, 0.18), (9.96, 10.04), (19.9, 19.98), (3, 7)]
    done = imported(
        tmp_path, wav(), [(*times, "pos") for times in rows], context=3.0, perch=True
    )  # fmt: skip
    assert done.refused == ()
    of_data = [path for path in done.written if "/data/" in path]
    assert [Path(path).name for path in of_data] == [
        "r.wav_0.1-0.18s_in_3s.wav",
        "r.wav_9.96-10.04s_in_3s.wav",
        "r.wav_19.9-19.98s_in_3s.wav",
        "r.wav_3-7s.wav",
    ]
    whole, _ = soundfile.read(tmp_path / "r.wav", dtype="int16")
    for path, start in zip(of_data, (0.0, 8.5, 17.0, 3.0), strict=True):
        clip, _ = soundfile.read(tmp_path / "out" / path, dtype="int16")
        assert len(clip) == (4 if start == 3.0 else 3) * RATE
        np.testing.assert_array_equal(clip, whole[round(start * RATE) :][: len(clip)])


def test_the_context_of_a_negative_holds_no_labelled_call(tmp_path: Path) -> None:
    rows = [(9, 9.5, "pos"), (9.6, 9.7, "neg"), (11.9, 12.4, "pos"), (11, 11.1, "neg")]
    done = imported(tmp_path, wav(), rows, context=2.0)
    assert done.refused == ()
    whole, _ = soundfile.read(tmp_path / "r.wav", dtype="int16")
    found = [path for path in done.written if "/neg/" in path]
    for path, start in zip(found, (9.5, 9.9), strict=True):
        clip, _ = soundfile.read(tmp_path / "out" / path, dtype="int16")
        np.testing.assert_array_equal(clip, whole[round(start * RATE) :][: 2 * RATE])
    wider = imported(tmp_path, wav(), rows, context=3.0)
    assert [(left.line, "there is no clip in data" in left.why) for left in wider.refused] == [
        (3, True), (5, True),
    ]  # fmt: skip
    assert "9-9.5 s of line 2, 11.9-12.4 s of line 4" in wider.refused[0].why


def test_clips_of_another_context_are_named_and_stay(tmp_path: Path) -> None:
    first = imported(tmp_path, wav(), [(9, 9.1, "pos")], context=2.0)
    again = imported(tmp_path, wav(), [(9, 9.1, "pos")], context=3.0)
    assert again.leftover == first.written and len(again.written) == 1


@pytest.mark.parametrize("context", [0.1, 601.0, float("nan"), float("inf"), -3.0, 0.0])
def test_a_context_that_no_run_accepts_is_refused_before_anything_is_cut(
    context: float, tmp_path: Path
) -> None:
    with pytest.raises(AudioAssetsError, match="no run accepts"):
        imported(tmp_path, wav(), [(1, 2, "pos")], context=context)
    assert not (tmp_path / "out").exists()


def test_lossy_recordings_cut_again_have_the_same_bytes(tmp_path: Path) -> None:
    (path,) = imported(tmp_path, encoded("OGG", "VORBIS"), [(1, 3, "pos")], "r.ogg").written
    data = (tmp_path / "out" / path).read_bytes()
    at = data.index(b"PEAK")
    # The time of writing, in seconds.
    assert data[at + 12 : at + 16] == bytes(4)


@pytest.mark.posix
def test_what_cannot_be_mapped_is_refused_and_the_others_are_cut(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "r.wav").write_bytes(wav())
    names = ("empty.wav", "folder.wav", "pipe.wav", "r.wav")
    rows = "".join(f"{name},1,2,pos\n" for name in names)
    (tmp_path / "t.csv").write_text(f"file,start,end,label\n{rows}")
    done = import_segments(tmp_path / "t.csv", tmp_path / "out", species="owl")
    assert len(done.written) == 1
    whys = [left.why for left in done.refused]
    assert (
        "empty" in whys[0] and "not a regular file" in whys[1] and "not a regular file" in whys[2]
    )


def test_a_recording_is_decoded_once_for_all_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[int]()
    plain = soundfile.SoundFile.read

    def counted(self: soundfile.SoundFile, *args: object, **more: object) -> np.ndarray:
        block = plain(self, *args, **more)
        read.append(len(block) if str(getattr(self, "format", "")) == "FLAC" else 0)
        return block

    rows = [(k / 8, k / 8 + 2, ("pos", "neg")[k % 2]) for k in range(0, 140)]
    rows = [row for row in rows if row[2] == "pos"]
    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    done = imported(tmp_path, encoded("FLAC"), rows, "r.flac")
    assert len(done.written) == len(rows)
    assert sum(read) == SECONDS * RATE


@pytest.mark.parametrize("name", ["good.wav", "good.flac", "good.w64", "good.ogg"])
def test_blocks_from_a_later_start_are_the_same_samples(name: str) -> None:
    data = WHOLE[name]()
    whole = np.concatenate([*open_sound(data).blocks(10_000)])
    for start in (0, 1, 9_999, 123_456, len(whole) - 1):
        np.testing.assert_array_equal(
            np.concatenate([*open_sound(data).blocks(10_000, start)]), whole[start:]
        )
    assert [*open_sound(data).blocks(10_000, len(whole))] == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    def peak_kilobytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    def cut(minutes: int) -> None:
        size = minutes * 60 * 48_000 * 4
        path = tmp_path / f"{minutes}.wav"
        with path.open("wb") as file:
            file.write(b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt ")
            file.write(struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16))
            file.write(b"data" + struct.pack("<I", size))
            file.truncate(44 + size)
            file.seek(44 + size // 2)
            file.write(np.random.default_rng(4).bytes(192_000 * 5))
        half = minutes * 30
        rows = f"{path.name},{half},{half + 3},pos\n{path.name},{half + 4},{half + 4.1},pos\n"
        (tmp_path / "t.csv").write_text(f"file,start,end,label\n{rows}")
        done = import_segments(tmp_path / "t.csv", tmp_path / "out", species="owl", context=3.0)
        assert len(done.written) == 2

    cut(1)
    before = peak_kilobytes()
    cut(60)
    assert peak_kilobytes() - before < 20_000


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_segments_that_overlap_past_what_memory_may_hold_are_cut_in_further_passes(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audio_assets.importing.recording._OPEN_BYTES", 5 * RATE * 2)
    rows = [(k, k + 4, "pos") for k in range(16)] + [(0, 20, "pos"), (3, 3.5, "pos")]
    data = encoded(form)
    done = imported(tmp_path, data, rows)
    assert done.refused == () and len(done.written) == 18
    whole, _ = soundfile.read(io.BytesIO(data), dtype="int16")
    for path, (start, end, _) in zip(done.written, rows, strict=True):
        clip, _ = soundfile.read(tmp_path / "out" / path, dtype="int16")
        np.testing.assert_array_equal(clip, whole[int(start * RATE) : int(end * RATE)])


@pytest.mark.parametrize("name", CUT)
def test_runs_open_no_file_that_is_cut_off_and_imports_read_what_is_there_of_it(name: str) -> None:
    data = CUT[name][0]()
    with pytest.raises(DamagedError):
        list(open_sound(data).blocks(10_000))
    read = 0
    with pytest.raises(DamagedError):
        for block in open_sound(data, cut_too=True).blocks(10_000):
            read += len(block)
    assert 4 * RATE < read < 20 * RATE
