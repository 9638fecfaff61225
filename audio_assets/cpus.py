"""How many CPUs this process may use: what the scheduler lets it run on, and its container's quota.

In a container with a quota of two CPUs on a node of 64, 64 workers would share the two.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cpus() -> int:
    """CPUs this process may use, at least 1; a quota of part of a CPU counts as a whole one."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quota = cpu_quota(_GROUPS, _OWN_GROUPS)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def cpu_quota(groups: Path, own_groups: Path) -> float | None:
    """CPUs that the control groups of this process grant; None without a limit.

    A limit holds for all groups below it, so the lowest on the way to the root counts.

    Parameters
    ----------
    groups
        Where control groups are mounted, of version 2 or 1.
    own_groups
        File that names the groups of this process, a line ``id:controllers:path`` each.
    """
    quotas = [
        quota
        for folder in _folders(groups, own_groups)
        if (quota := _version_2(folder) or _version_1(folder)) is not None
    ]
    return min(quotas, default=None)


def _folders(groups: Path, own_groups: Path) -> Iterator[Path]:
    """Folders of the groups that limit this process, as far as they can be seen from here.

    Inside a container the group's own files may be mounted at the root, under no path.
    """
    for line in _text(own_groups).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root in (groups / controllers, groups / "cpu") if controllers else (groups,):
            inside = Path(path.lstrip("/"))
            if ".." not in inside.parts:
                yield from (root / part for part in (inside, *inside.parents))
            yield root


def _version_2(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    return None if quota in ("", "max") else int(quota) / int(period)


def _version_1(folder: Path) -> float | None:
    quota = _text(folder / "cpu.cfs_quota_us").strip()
    period = _text(folder / "cpu.cfs_period_us").strip()
    return None if not period or int(quota) <= 0 else int(quota) / int(period)


def _text(path: Path) -> str:
    # Not there, or not for this user to read: then nothing is known of a limit.
    try:
        return path.read_text()
    except OSError:
        return ""
