"""The user's Dagster instance, for commands that run outside Dagster's own processes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection
from importlib.resources import files
from pathlib import Path

import dagster as dg

from audio_assets.environment import DAGSTER_CONFIG, dagster_home, named_home, own_home
from audio_assets.errors import SettingsError
from audio_assets.objects.file_lock import lock_of_read_file
from audio_assets.pipeline.partitions import SPECIES


def local_instance(results_root: str, *, make: bool = True) -> dg.DagsterInstance:
    """Return the instance for runs on a results root, a context manager.

    :func:`audio_assets.environment.dagster_home` says where it is.

    Parameters
    ----------
    make
        Whether to make it if it is missing.

    Raises
    ------
    SettingsError
        If it is missing and is not to be made, or its folder cannot be written to.
    """
    home = dagster_home(results_root)
    if not make and not (home / DAGSTER_CONFIG).is_file():
        raise SettingsError(
            f"{home} has no {DAGSTER_CONFIG}", "Nothing has been run here; `run` makes it."
        )
    return _open(home)


def demo_instance(
    results_root: str, species: Collection[str], say: Callable[[str], None]
) -> dg.DagsterInstance:
    """Return the instance of a demo, in which ``run`` on the same roots continues.

    It belongs to the results root, so that the demo's species never appear among those of the
    user's instance. Only if DAGSTER_HOME is set and has no other species is it that one.

    Parameters
    ----------
    species
        Species of the demo.
    say
        Called with a message if DAGSTER_HOME is set and not used.

    Raises
    ------
    SettingsError
        If it is missing and its folder cannot be written to.
    """
    home = named_home()
    if home is not None:
        instance = _open(home)
        others = {*instance.get_dynamic_partitions(SPECIES.name or "")} - {*species}
        if not others:
            return instance
        instance.dispose()
        say(
            f"DAGSTER_HOME ({home}) has runs of other species ({', '.join(sorted(others))}): this "
            f"demo is recorded in {own_home(results_root)}. To continue it with `run`, unset "
            "DAGSTER_HOME."
        )
    return _open(own_home(results_root))


def _open(home: Path) -> dg.DagsterInstance:
    config = home / DAGSTER_CONFIG
    if not config.is_file():
        _make(config)
    # Dagster creates the tables of a new home without a lock: with two commands at once, one failed
    # with "table runs already exists". This file is locked because it exists and is only read.
    with lock_of_read_file(config):
        instance = dg.DagsterInstance.from_config(str(home))
        _ = instance.run_storage, instance.event_log_storage, instance.schedule_storage
    return instance


def _make(config: Path) -> None:
    """Write a dagster.yaml like that of the repository, unless another command has just done so."""
    text = files("audio_assets.instance").joinpath(DAGSTER_CONFIG).read_bytes()
    # Whole from the start, and never replaced: other commands read it and hold its lock.
    draft = config.with_name(f".{uuid.uuid4().hex}")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(text)
        try:
            os.link(draft, config)
        except FileExistsError:
            pass
        except OSError:
            # A file system without hard links.
            draft.replace(config)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{config.parent} has no {DAGSTER_CONFIG}, and none can be made there: {error}",
            "Set DAGSTER_HOME to a folder that can be written to; what was run is recorded there.",
        ) from error
