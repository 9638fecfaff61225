"""What the benchmarks of embedding print of the machine, and how they count CPU time and memory."""

import os
import platform
import resource
import time
from contextlib import suppress
from pathlib import Path


def processor() -> str:
    """Number and name of the CPUs."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(named)} x {named[0]}" if named else platform.processor() or platform.machine()


def cpu_seconds() -> float:
    """CPU seconds of this process and of all its children, ended or not."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    for pid in children():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def peak_mb() -> float:
    """Peak memory (RSS) of this process and the largest of its children together, in MB."""
    total = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    running = [high_water_mb(pid) for pid in children()]
    return total + max([ended, *running])


def children(pid: int | str = "self") -> list[int]:
    """Running children of a process."""
    pids: list[int] = []
    # A process or a thread of it may end while they are looked through.
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                pids += map(int, (task / "children").read_text().split())
    return pids


def high_water_mb(pid: int | str = "self") -> float:
    """Peak memory (RSS) of a process since it runs its program, in MB; 0 if it has ended.

    The kernel's count for children that have ended is no such thing: it has the memory of the
    parent in it, from the moment between fork and exec.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
