"""Memory of this process, as Linux counts it."""

from pathlib import Path


def resident_megabytes() -> float:
    """What is in memory now."""
    return _status("VmRSS")


def peak_megabytes() -> float:
    """The most that was ever in memory.

    Not ``ru_maxrss``, which a process takes over from the one that started it.
    """
    return _status("VmHWM")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {name} in /proc/self/status")
