"""A length in a header is a claim: what is used is the audio, and what is cut is said."""

import re
from functools import lru_cache

import pytest

from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets_tests.audio import odd_flac, odd_mp3, odd_ogg, odd_wav_files
from audio_assets_tests.audio.odd_files import OddFile

LIMITS = DurationLimits()
CASES = {**odd_wav_files.cases(), **odd_flac.cases(), **odd_ogg.cases(), **odd_mp3.cases()}
# What a figure of missing seconds may be off.
_NEAR = 0.03


@lru_cache(maxsize=1)
def _made(name: str) -> OddFile:
    return CASES[name]()


@pytest.mark.parametrize("name", CASES)
def test_an_odd_file_is_used_whole_or_refused(name: str) -> None:
    odd = _made(name)
    result = decode_clip(odd.data, LIMITS)
    if isinstance(result, ClipFault):
        assert odd.heard is None or odd.refusable, f"refused, {result.reason}: {result.detail}"
        check_refusal(odd, result)
    else:
        assert odd.heard is not None, f"used {result.seconds:.3f} s, note {result.note!r}"
        check_use(odd, result)


def check_use(odd: OddFile, result: Waveform) -> None:
    assert odd.heard is not None
    problems = odd.heard.problems(result.samples, result.sample_rate, odd.rate)
    assert not problems, f"{'; '.join(problems)}; note {result.note!r}"
    if odd.note is not None:
        assert (result.note is not None) == odd.note, f"note {result.note!r}"
    assert result.note is None or result.note.strip()


def check_refusal(odd: OddFile, fault: ClipFault) -> None:
    assert not odd.reasons or fault.reason in odd.reasons, f"{fault.reason}: {fault.detail}"
    if odd.missing is not None:
        assert any(
            abs(s - odd.missing) <= _NEAR for s in seconds_in(fault.detail)
        ), f"{odd.missing:.3f} s are missing; {fault.detail}"


def seconds_in(text: str) -> list[float]:
    """Figures of seconds and milliseconds in a text."""
    found = re.findall(r"(\d[\d,]*(?:\.\d+)?) (m?s|seconds?|milliseconds?)\b", text)
    return [float(n.replace(",", "")) / (1000 if u[0] == "m" else 1) for n, u in found]
