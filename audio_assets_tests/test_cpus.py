"""CPUs are counted within the container's quota."""

from pathlib import Path

import pytest

from audio_assets import cpus
from audio_assets.cpus import cpu_quota, usable_cpus


def place(root: Path, own: str, **files: str) -> tuple[Path, Path]:
    (root / "own").write_text(own)
    for name, text in files.items():
        path = root / "groups" / name.replace("__", "/").replace("_max", ".max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "groups", root / "own"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"cpu_max": "max 100000\n"}, None),
        ({"cpu_max": "150000 100000\n"}, 1.5),
        ({"pod__one__cpu_max": "300000 100000\n", "pod__cpu_max": "max 100000\n"}, 3.0),
        ({"pod__one__cpu_max": "max 100000\n", "pod__cpu_max": "50000 100000\n"}, 0.5),
        ({"pod__one__cpu_max": "300000 100000\n", "pod__cpu_max": "200000 100000\n"}, 2.0),
    ],
    ids=str,
)
def test_version_2_grants_the_lowest_limit_on_the_way_to_the_root(
    files: dict[str, str], quota: float | None, tmp_path: Path
) -> None:
    assert cpu_quota(*place(tmp_path, "0::/pod/one\n", **files)) == quota


@pytest.mark.parametrize(
    ("quota_us", "quota"), [("250000\n", 2.5), ("-1\n", None)], ids=["limited", "unlimited"]
)
@pytest.mark.parametrize("folder", ["cpu,cpuacct/pod/one", "cpu,cpuacct", "cpu/pod", "cpu"])
def test_version_1_is_read_too(
    quota_us: str, quota: float | None, folder: str, tmp_path: Path
) -> None:
    path = tmp_path / "groups" / folder
    path.mkdir(parents=True)
    (path / "cpu.cfs_quota_us").write_text(quota_us)
    (path / "cpu.cfs_period_us").write_text("100000\n")
    own = "11:memory:/pod/one\n4:cpu,cpuacct:/pod/one\n"
    assert cpu_quota(*place(tmp_path, own)) == quota


def test_a_group_outside_of_the_container_is_its_root(tmp_path: Path) -> None:
    found = place(tmp_path, "0::/../..\n", cpu_max="100000 100000\n")
    assert cpu_quota(*found) == 1.0


@pytest.mark.parametrize(("limit", "expected"), [("20000 100000", 1), ("110000 100000", 2)])
def test_usable_cpus_are_those_of_the_quota_rounded_up(
    limit: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, own = place(tmp_path, "0::/\n", cpu_max=limit)
    monkeypatch.setattr(cpus, "_GROUPS", groups)
    monkeypatch.setattr(cpus, "_OWN_GROUPS", own)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)))
    assert usable_cpus() == expected


def test_usable_cpus_are_never_more_than_the_scheduler_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, own = place(tmp_path, "0::/\n", cpu_max="800000 100000")
    monkeypatch.setattr(cpus, "_GROUPS", groups)
    monkeypatch.setattr(cpus, "_OWN_GROUPS", own)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2})
    assert usable_cpus() == 3
