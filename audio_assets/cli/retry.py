"""``audio-assets retry``: have work that was given up tried again at the next tick."""

from __future__ import annotations

import json
from collections.abc import Collection

from audio_assets.automation.decisions import Task
from audio_assets.automation.runs import forgive
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance


def run_retry(species: Collection[str], models: Collection[str], *, as_json: bool) -> None:
    """Let failures no longer count, and print the tasks that are tried again.

    No settings are read: it runs wherever the instance can be reached, such as in the daemon's pod.

    Parameters
    ----------
    species, models
        Only tasks of these; all if empty.
    """

    def wanted(task: Task) -> bool:
        parts = task.partition.split("|")
        # A task of both has the model first; one of either alone is named by it.
        return (not species or parts[-1] in species) and (not models or parts[0] in models)

    with local_instance() as instance:
        tasks = forgive(instance, wanted)
    if as_json:
        print(json.dumps([{"job": task.job, "partition": task.partition} for task in tasks]))
        return
    console = plain_console()
    for task in tasks:
        console.print(f"{task} is tried again", highlight=False)
    console.print(
        (
            "The daemon starts them within a minute."
            if tasks
            else "Nothing has failed that is not tried again already."
        ),
        highlight=False,
    )
