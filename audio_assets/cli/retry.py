"""Implement ``audio-assets retry``: retry work that was given up at the next tick."""

from __future__ import annotations

import json
from collections.abc import Collection

from audio_assets.automation.decisions import Task
from audio_assets.automation.runs import forgive
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance
from audio_assets.settings import load_settings


def run_retry(species: Collection[str], models: Collection[str], *, as_json: bool) -> None:
    """Discard past failures, and print the tasks that will be retried.

    It reads no settings, so that it works wherever the instance can be reached, for example in the
    daemon's pod.

    Parameters
    ----------
    species, models
        Limit to tasks of these; all if empty.
    """

    def wanted(task: Task) -> bool:
        parts = task.partition.split("|")
        # A key of both has the model first; a key of one is just its name.
        return (not species or parts[-1] in species) and (not models or parts[0] in models)

    with local_instance(load_settings().results_root) as instance:
        tasks = forgive(instance, wanted)
    if as_json:
        print(json.dumps([{"job": task.job, "partition": task.partition} for task in tasks]))
        return
    console = plain_console()
    for task in tasks:
        console.print(f"{task} will be retried", highlight=False)
    console.print(
        (
            "The daemon starts them within a minute."
            if tasks
            else "There is no failure that is not being retried already."
        ),
        highlight=False,
    )
