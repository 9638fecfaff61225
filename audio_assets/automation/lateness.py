"""Since when each species, and work of none, has been behind, and which are late.

Late is how long work has been due, never how old the audio is: a change of settings makes old audio
due, and is not late at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from audio_assets.automation.decisions import Decision, Standing


def what_is_behind(decision: Decision, jobs_of_no_species: Iterable[str] = ()) -> dict[str, str]:
    """Species, and tasks of none, with work that is not done, and which that is, in words.

    Parameters
    ----------
    decision
        Its partitions are a species, or a model and a species (``birdnet|coyote``).
    jobs_of_no_species
        Jobs whose partitions are something else. Their tasks, and those without a partition such as
        the report, stand for themselves: ``job report``, which is no name of a species.
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
    """Since when each has been behind: now, unless it was at the last look too.

    Parameters
    ----------
    behind
        Names of what is behind now.
    before
        What this gave at the last look.
    now
        Seconds since the epoch.
    """
    return {species: before.get(species, now) for species in behind}


def late_names(since: Mapping[str, float], late_hours: float, now: float) -> list[str]:
    """Names of what has been behind for longer than ``late_hours``."""
    return sorted(name for name, start in since.items() if now - start > 3600 * late_hours)


def write_since(since: Mapping[str, float]) -> str:
    """The cursor that :func:`read_since` reads."""
    return json.dumps(since, sort_keys=True)


def read_since(cursor: str | None) -> dict[str, float]:
    """Since when what has been behind; nothing if the cursor is no such thing.

    An earlier version kept their names alone. A cursor that was damaged must not stop the tick that
    reads it, and so every tick.
    """
    try:
        kept = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: start for name, start in kept.items() if isinstance(start, (int, float))}
