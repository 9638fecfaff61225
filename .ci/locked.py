"""Print the part of requirements.lock that an installation with some extras needs, with its hashes.

    python .ci/locked.py k8s,tensorflow > locked.txt && pip install --require-hashes -r locked.txt

pip refuses hashes in a file of constraints, and the whole lock is 3.5 GB. What needs what is told
by the lock itself (``# via``). Only the standard library is used: nothing is installed yet.
"""

import re
import sys
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Locked:
    """A package of the lock: its lines without comments, and the packages that need it."""

    lines: str
    needed_by: frozenset[str]


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> dict[str, Locked]:
    """Packages of a lock by name."""
    found = {}
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        lines = block.splitlines(keepends=True)
        if not lines or lines[0].startswith("#"):
            continue
        said = "".join(line for line in lines if line.strip() and line.lstrip()[0] != "#")
        via = (re.sub(r"^ +#( via)?\s*", "", line) for line in lines if line.startswith("    #"))
        needed_by = {normal(name.group()) for line in via if (name := NAME.match(line))}
        found[normal(NAME.match(block).group())] = Locked(said, frozenset(needed_by))
    return found


def named(project: dict, extras: Collection[str]) -> set[str]:
    """Packages that pyproject.toml names, for building, running and the extras."""
    optional = project["project"]["optional-dependencies"]
    unknown = sorted(set(extras) - optional.keys())
    if unknown:
        sys.exit(f"pyproject.toml has no extra {', '.join(unknown)}; it has {', '.join(optional)}.")
    given = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    given += [requirement for extra in extras for requirement in optional[extra]]
    return {normal(NAME.match(requirement).group()) for requirement in given}


def subset(lock: dict[str, Locked], wanted: Collection[str]) -> list[str]:
    """Names of the locked packages that the wanted ones need, and these, sorted."""
    missing = sorted(set(wanted) - lock.keys())
    if missing:
        sys.exit(f"requirements.lock has no {', '.join(missing)}: run make lock.")
    found, before = set(wanted), set()
    while found != before:
        before = found
        found = before | {name for name, one in lock.items() if one.needed_by & before}
    return sorted(found)


def main(extras: Collection[str]) -> None:
    """Print the lines."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = read_lock((ROOT / "requirements.lock").read_text())
    for name in subset(lock, named(project, extras)):
        sys.stdout.write(lock[name].lines)


if __name__ == "__main__":
    main([extra for given in sys.argv[1:] for extra in given.split(",") if extra])
