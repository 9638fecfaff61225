"""State what the demo with synthetic audio costs, before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from audio_assets.errors import AudioAssetsError

DEMO_MINUTES = 2
"""Minutes on two cores, rounded up: 144 to 177 s of CPU time were used on shared cores."""

DEMO_MEGABYTES = 280
"""Megabytes of disk, rounded up: 260 were used, most of them by synthetic audio."""


def cost_words(results: Path) -> str:
    """Return a sentence with the time and the disk that the demo takes."""
    return (
        "The demo makes synthetic audio and runs the whole pipeline on it. It takes about "
        f"{DEMO_MINUTES} min on two cores and {DEMO_MEGABYTES} MB of disk in {results}."
    )


def check_disk(results: Path) -> None:
    """Refuse to start a demo that would fill the disk.

    What an earlier demo has written there counts as used once: it is written over.

    Raises
    ------
    AudioAssetsError
        If there is less free than the demo needs.
    """
    there = results.resolve()
    used = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())
    existing = next(folder for folder in (there, *there.parents) if folder.exists())
    free = (shutil.disk_usage(existing).free + used) / 1e6
    if free < DEMO_MEGABYTES:
        raise AudioAssetsError(
            f"The demo needs {DEMO_MEGABYTES} MB of disk, and {there} has {free:.0f} MB",
            "Free some space, or name a folder on another disk with --results.",
        )
