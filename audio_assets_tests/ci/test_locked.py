"""What is installed is compared with the lock's hashes, whatever extras are asked for."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci/locked.py"
_spec = spec_from_file_location("locked", SCRIPT)
assert _spec is not None and _spec.loader is not None
locked = module_from_spec(_spec)
sys.modules["locked"] = locked
_spec.loader.exec_module(locked)

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Whatever Python runs the tests.
LOCKED_FOR = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux"}
EXTRAS = ["", "k8s", "tensorflow", "k8s,tensorflow", "dev,docs,k8s,tensorflow"]


def names(extras: str) -> list[str]:
    wanted = locked.named(PROJECT, [extra for extra in extras.split(",") if extra])
    found: list[str] = locked.subset(locked.read_lock(LOCK), wanted)
    return found


def test_every_package_of_the_lock_has_hashes_and_no_place_it_came_from():
    packages = locked.read_lock(LOCK)
    assert len(packages) > 200
    # A version, for which systems, and the hashes.
    line = re.compile(r"\S+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    for name, one in packages.items():
        assert line.fullmatch(one.lines), name
    assert "://" not in LOCK and "--index-url" not in LOCK and "--find-links" not in LOCK


@pytest.mark.parametrize("extras", EXTRAS)
def test_a_part_of_the_lock_holds_all_that_its_packages_need(extras):
    part = set(names(extras))
    looked_at = 0
    for name in part:
        try:
            needed = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue
        looked_at += 1
        for requirement in needed:
            if requirement.marker is None or requirement.marker.evaluate(
                {**LOCKED_FOR, "extra": ""}
            ):
                assert locked.normal(requirement.name) in part, f"{name} needs {requirement}"
    assert looked_at > 50


def test_a_part_holds_no_other_extra():
    assert not {"tensorflow", "keras", "dagster-k8s", "pytest"} & set(names(""))
    assert "dagster-k8s" in names("k8s") and "tensorflow" not in names("k8s")
    assert "pytest" not in names("k8s,tensorflow")
    # What the project is built with.
    assert "setuptools" in names("")


def test_what_the_script_prints_is_what_pip_takes_with_hashes():
    command = [sys.executable, str(SCRIPT), "k8s"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"(?m)^([^\s=]+)==", printed) == names("k8s")
    assert "#" not in printed


def test_an_unknown_extra_and_a_package_that_is_not_locked_say_what_to_do():
    with pytest.raises(SystemExit, match="no extra nonsense; it has tensorflow"):
        locked.named(PROJECT, ["nonsense"])
    with pytest.raises(SystemExit, match="no left-pad: run make lock"):
        locked.subset(locked.read_lock(LOCK), ["left-pad"])


def test_nothing_of_others_is_installed_without_its_hash():
    for path in (ROOT / "Makefile", ROOT / "Dockerfile"):
        # A command may go on in the next line.
        text = path.read_text().replace("\\\n", " ")
        calls = re.findall(r"(?:\$\(PIP_INSTALL\)|bin/pip .*?install) (.*?)(?: && |\n)", text)
        assert len(calls) >= 2
        for call in calls:
            assert "--require-hashes" in call or "--no-build-isolation" in call, call
