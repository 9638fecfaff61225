"""Track since when each species, and each task without one, has been behind, and which are late.

Lateness is how long work has been due, not how old the audio is: a change of settings makes work on
old audio due, but not late at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from audio_assets.automation.decisions import Decision, Standing


def what_is_behind(decision: Decision, jobs_of_no_species: Iterable[str] = ()) -> dict[str, str]:
    """Return the species, and tasks without one, that have open work -> that work in words.

    Parameters
    ----------
    decision
        Decision whose partitions are a species, or a model and a species (``birdnet|coyote``).
    jobs_of_no_species
        Jobs with other partitions. Their tasks, and those without a partition such as the report,
        are listed separately: ``job report``, which cannot be the name of a species.
    """
    others = frozenset(jobs_of_no_species)
    behind: dict[str, list[str]] = {}
    for task, standing in decision.standings.items():
        if standing is not Standing.FRESH:
            species = "" if task.job in others else task.partition.rpartition("|")[2]
            behind.setdefault(species or f"job {task}", []).append(f"{task}: {standing}")
    return {name: ", ".join(tasks) for name, tasks in behind.items()}


def behind_since(
    behind: Iterable[str], before: Mapping[str, float], now: float
) -> dict[str, float]:
    """Return since when each name has been behind: now, unless it was already behind before.

    Parameters
    ----------
    behind
        Names that are behind now.
    before
        Previous result of this function.
    now
        Seconds since the epoch.
    """
    return {species: before.get(species, now) for species in behind}


def late_names(since: Mapping[str, float], late_hours: float, now: float) -> list[str]:
    """Return the names that have been behind for longer than ``late_hours``."""
    return sorted(name for name, start in since.items() if now - start > 3600 * late_hours)


def write_since(since: Mapping[str, float]) -> str:
    """Return the cursor for :func:`read_since`."""
    return json.dumps(since, sort_keys=True)


def read_since(cursor: str | None) -> dict[str, float]:
    """Read name -> since when it has been behind; empty if the cursor contains anything else.

    An earlier version kept only the names. A damaged cursor must not stop the tick that reads it,
    or it would stop every tick.
    """
    try:
        kept = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: start for name, start in kept.items() if isinstance(start, (int, float))}
