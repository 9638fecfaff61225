"""The user's Dagster instance, for commands that run outside Dagster's own processes."""

from __future__ import annotations

import dagster as dg

from audio_assets.objects.file_lock import lock_of_read_file
from audio_assets.settings import dagster_home


def local_instance() -> dg.DagsterInstance:
    """Return the user's instance, a context manager.

    Raises
    ------
    SettingsError
        If there is no ``dagster.yaml``.
    """
    home = dagster_home()
    # Dagster creates the tables of a new home without a lock: with two commands at once, one failed
    # with "table runs already exists". This file is locked because it exists and is only read.
    with lock_of_read_file(home / "dagster.yaml"):
        instance = dg.DagsterInstance.from_config(str(home))
        _ = instance.run_storage, instance.event_log_storage, instance.schedule_storage
    return instance
