"""Implement ``audio-assets job launch``: queue runs of a job in the user's Dagster instance."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._cli.job import execute_launch_command
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster_shared.cli import WorkspaceOpts

from audio_assets.automation.health import daemon_note, daemon_problems
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance
from audio_assets.environment import dagster_home
from audio_assets.errors import SettingsError, UnknownPartitionError, perhaps
from audio_assets.pipeline.partitions import build_partitions, nearest_partitions
from audio_assets.pipeline.stages import JOBS
from audio_assets.settings import Settings, load_settings

_KEYS_SHOWN = 20


def run_launch(
    job: str, partitions: Sequence[str], workspace: Path | None, *, as_json: bool
) -> None:
    """Queue a run of each partition of a job, and print what was queued.

    Everything is checked first: nothing is queued if one of the partitions does not exist.

    Raises
    ------
    UnknownPartitionError
        If there is no such job, or the job has no such partition.
    SettingsError
        If there is no workspace file.
    """
    settings = load_settings()
    console = plain_console(stderr=as_json)
    with local_instance(settings.results_root) as instance:
        keys = checked_partitions(settings, instance, job, partitions)
        target = WorkspaceOpts(workspace=[str(_workspace(settings, workspace))])
        queued = []
        for key in keys:
            tags = json.dumps({PARTITION_NAME_TAG: key}) if key is not None else None
            with _stdout_discarded():
                run = execute_launch_command(
                    instance=instance, workspace_opts=target, job_name=job, tags=tags
                )
            queued.append({"job": job, "partition": key, "run_id": run.run_id})
            name = f"{job} {key}" if key is not None else job
            console.print(f"Queued: {name}, run {run.run_id}", markup=False, highlight=False)
        console.print(_what_next(instance), soft_wrap=True, highlight=False)
    if as_json:
        print(json.dumps(queued, indent=2))


def checked_partitions(
    settings: Settings, instance: dg.DagsterInstance, job: str, partitions: Sequence[str]
) -> list[str | None]:
    """Return the partitions of the runs, each once; a None stands for a job without partitions.

    Raises
    ------
    UnknownPartitionError
        If there is no such job, or the job has no such partition.
    """
    if job not in JOBS:
        raise UnknownPartitionError(
            f"There is no job {job!r}; nothing was launched",
            f"{perhaps(job, JOBS)}The jobs are: {', '.join(JOBS)}.",
        )
    definition = build_partitions(settings).of(JOBS[job].per)
    if definition is None:
        if partitions:
            raise UnknownPartitionError(
                f"The job {job} has no partitions; nothing was launched",
                f"Leave out {', '.join(partitions)}.",
            )
        return [None]
    with partition_loading_context(dynamic_partitions_store=instance):
        keys = definition.get_partition_keys()
    shown = ", ".join(keys[:_KEYS_SHOWN]) or "none yet; audio-assets run adds those of new species"
    if len(keys) > _KEYS_SHOWN:
        shown += f" and {len(keys) - _KEYS_SHOWN} more"
    if not partitions:
        raise UnknownPartitionError(
            f"The job {job} needs a partition; nothing was launched", f"Its partitions: {shown}."
        )
    unknown = [key for key in partitions if key not in keys]
    if unknown:
        raise UnknownPartitionError(
            f"The job {job} has no partition {', '.join(unknown)}; nothing was launched",
            "".join(nearest_partitions(key, keys) for key in unknown) + f"Its partitions: {shown}.",
        )
    return list(dict.fromkeys(partitions))


@contextmanager
def _stdout_discarded() -> Iterator[None]:
    """Discard the standard output of processes that are started meanwhile.

    The code server that a workspace file starts logs there, between the lines of this command and
    within its JSON. Its errors are raised here.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)


def _workspace(settings: Settings, given: Path | None) -> Path:
    home = dagster_home(settings.results_root)
    places = [given] if given is not None else [Path("workspace.yaml"), home / "workspace.yaml"]
    for place in places:
        if place.is_file():
            return place
    raise SettingsError(
        f"There is no workspace file {' or '.join(str(place) for place in places)}",
        "Name it with --workspace, or call this in the folder that contains it.",
    )


def _what_next(instance: dg.DagsterInstance) -> str:
    if note := daemon_note(instance):
        return f"Nothing starts yet: the daemon {note}"
    for problem in daemon_problems(instance, time.time()):
        return f"Nothing starts yet: {problem.what}. {problem.remedy}"
    return (
        "The daemon starts queued runs within seconds, or when those before them have ended. See "
        "them with audio-assets status, or under Runs in the UI."
    )
