"""Size of the report for many species, and how long a browser takes to open it.

    python -m benchmarks.report_size [--species 30] [--clips 600] [--repeats 5]

The results are made up: seven models, six clips to look at and a map of so many clips a species.
The times are those until the first chart and until all charts are drawn, in headless Chromium
without its own cache, beside a page without maps; the CPU seconds are those of all its processes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from audio_assets.reporting.charts.clip_preview import clip_preview
from audio_assets.reporting.charts.learning_curve import learning_curve_chart
from audio_assets.reporting.page.page import render_report
from audio_assets_tests.reporting.conftest import ARGUMENTS, BROWSERS
from audio_assets_tests.reporting.fake_results import (
    SEVEN,
    calibration_frame,
    curve_frame,
    fake_comparisons,
    fake_map,
    fake_report,
    hard_clip,
    hard_clips_frame,
    model_curve,
)

CLIP_SECONDS = 5
CLIPS_A_RECORDING = 5
FIRST = 'return document.querySelector("[data-specification] svg") !== null'
ALL = """
return [...document.querySelectorAll("[data-specification]")].every(e => e.querySelector("svg"))
"""


def page(species: int, clips: int) -> str:
    """The report of so many species, with a map of so many clips each; 0 for none."""
    names = [f"species_{number:02d}" for number in range(species)]
    curves = curve_frame([row for s in names for model in SEVEN for row in model_curve(s, model)])
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000 * CLIP_SECONDS).astype(np.float32)
    preview = clip_preview(noise, 48_000)
    shown = {"picture": preview.picture, "sound": preview.sound, "seconds": float(CLIP_SECONDS)}
    bins = [(s, m, p, p) for s in names for m in SEVEN for p in np.linspace(0.05, 0.95, 10)]
    recordings = clips // (2 * CLIPS_A_RECORDING)
    maps = [fake_map(s, recordings, CLIPS_A_RECORDING) for s in names]
    return render_report(
        fake_report(
            curves=curves,
            comparisons=fake_comparisons().iloc[:0],
            charts={
                s: learning_curve_chart(curves, species=s, models=SEVEN).to_json() for s in names
            },
            calibration=calibration_frame(bins),
            hard_clips=hard_clips_frame(
                [
                    hard_clip(label, place, species=s, **shown)
                    for s in names
                    for label in ("neg", "pos")
                    for place in range(3)
                ]
            ),
            embedding_maps=pd.concat(maps),
            missing=[],
            left_out={},
        )
    )


def seconds_to_open(path: Path) -> tuple[float, float, float]:
    """Seconds until the first and until all charts are drawn, and the browser's CPU seconds."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            driver.get("about:blank")
            before, started = cpu_seconds(service.process.pid), time.perf_counter()
            driver.get(path.as_uri())
            seconds = []
            for drawn in (FIRST, ALL):
                while not driver.execute_script(drawn):
                    time.sleep(0.05)
                seconds.append(time.perf_counter() - started)
            first, last = seconds
            return first, last, cpu_seconds(service.process.pid) - before
        finally:
            driver.quit()


def cpu_seconds(process: int) -> float:
    """CPU seconds of a process and of all that it started and that still runs."""
    rows = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,cputimes="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    parents = {int(p): int(pp) for p, pp, _ in (row.split() for row in rows)}

    def started_by(pid: int) -> bool:
        while pid in parents:
            if pid == process:
                return True
            pid = parents[pid]
        return False

    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for pid in filter(started_by, parents):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def main() -> None:
    """Print size and times of the page, with maps and without."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--species", type=int, default=30)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for what, clips in (("with maps", given.clips), ("without", 0)):
            paths[what] = Path(folder) / f"{what}.html"
            paths[what].write_text(page(given.species, clips), encoding="utf-8")
        times: dict[str, list[tuple[float, float, float]]] = {what: [] for what in paths}
        for _ in range(given.repeats):
            for what, path in paths.items():
                times[what].append(seconds_to_open(path))
        for what, path in paths.items():
            columns = zip(*times[what], strict=True)
            first, last, cpu = (statistics.median(column) for column in columns)
            megabytes = path.stat().st_size / 1e6
            print(
                f"{what}: {megabytes:.2f} MB, first chart after {first:.1f} s, all after "
                f"{last:.1f} s, {cpu:.1f} s of CPU"
            )


if __name__ == "__main__":
    main()
