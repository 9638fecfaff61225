"""Decodes files whose headers were changed at random around whole audio, and prints what became.

Each file is used whole, to 10 ms and with its steps in order, or refused with a reason. Run by
``test_header_fuzz.py`` in a process of its own, so that a crash or hang of a C library ends that
process alone: ``python -m audio_assets_tests.audio.fuzz_headers CASES SEED``; with a third
argument, the number of a case, that case alone is tried.

Left out are only changes that nothing in the file contradicts; each is named where it is avoided.
"""

import faulthandler
import json
import sys
import time
from collections import Counter

import numpy as np

from audio_assets.audio.decode import DurationLimits, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets_tests.audio.fuzzed import Fuzzed
from audio_assets_tests.audio.fuzzed_flac import fuzzed_flac
from audio_assets_tests.audio.fuzzed_mp3 import fuzzed_mp3
from audio_assets_tests.audio.fuzzed_ogg import fuzzed_ogg
from audio_assets_tests.audio.fuzzed_sized import fuzzed_sized
from audio_assets_tests.audio.fuzzed_wav import fuzzed_wav
from audio_assets_tests.audio.memory import peak_megabytes

# None takes a tenth of a second; a machine with other work may stand still for a while.
SECONDS_A_CASE = 60
MAKERS = (fuzzed_wav, fuzzed_flac, fuzzed_ogg, fuzzed_mp3, fuzzed_sized)


def fuzzed(number: int, seed: int) -> Fuzzed:
    """File of this number; formats in turn, each number with a generator of its own."""
    rng = np.random.default_rng([seed, number])
    return MAKERS[number % len(MAKERS)](rng)


def wrong(file: Fuzzed, limits: DurationLimits) -> tuple[str, list[str]]:
    """Outcome, and what is wrong with it."""
    try:
        result = decode_clip(file.data, limits)
    except Exception as error:
        return "raised", [f"{type(error).__name__}: {error}"]
    if isinstance(result, ClipFault):
        return result.reason, [] if result.detail.strip() else ["no detail"]
    problems = file.heard.problems(result.samples, result.sample_rate, file.rate)
    if problems:
        problems.append(f"note {getattr(result, 'note', None)!r}")
    return "used", problems


def main(cases: int, seed: int, only: int | None = None) -> None:
    """Try the files and print outcomes by format, faults, the slowest case and memory."""
    limits = DurationLimits()
    outcomes: dict[str, Counter[str]] = {}
    found = []
    slowest = (0.0, "")
    for number in range(cases) if only is None else (only,):
        file = fuzzed(number, seed)
        # A hang in C code is ended with a traceback.
        faulthandler.dump_traceback_later(SECONDS_A_CASE, exit=True)
        print(f"case {number} of seed {seed}: {file.name}", file=sys.stderr, flush=True)
        start = time.process_time()
        outcome, problems = wrong(file, limits)
        slowest = max(slowest, (time.process_time() - start, f"case {number}: {file.name}"))
        outcomes.setdefault(file.kind, Counter())[outcome] += 1
        if problems:
            found.append(f"case {number}: {file.name}: {'; '.join(problems)}")
    faulthandler.cancel_dump_traceback_later()
    peak = round(peak_megabytes())
    result = {"outcomes": outcomes, "wrong": found, "slowest": slowest, "peak_mb": peak}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
