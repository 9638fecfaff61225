"""Read the environment variables of other programs: Dagster, Pub/Sub and TensorFlow.

No other module but :mod:`audio_assets.settings` reads the environment.
"""

from __future__ import annotations

import os
from pathlib import Path

from audio_assets.objects.files import is_local
from audio_assets.objects.roots import open_root

DAGSTER_CONFIG = "dagster.yaml"


def named_home() -> Path | None:
    """Return the folder that DAGSTER_HOME names, or None if it names none."""
    name = os.environ.get("DAGSTER_HOME")
    return Path(name).absolute() if name else None


def own_home(results_root: str) -> Path:
    """Return the folder of the Dagster instance that belongs to a results root.

    It is ``.dagster`` in a local results root, and in this folder for a bucket.
    """
    root = open_root(results_root)
    return (Path(root.path) if is_local(root) else Path.cwd()).absolute() / ".dagster"


def dagster_home(results_root: str) -> Path:
    """Return the folder of the Dagster instance for runs on a results root; it may not exist yet.

    It is the first of these: DAGSTER_HOME; the instance of the results root, if a demo or an
    earlier run made one; this folder, if it has a dagster.yaml; the instance of the results root.
    """
    own, here = own_home(results_root), Path.cwd()
    if named := named_home():
        return named
    has_config = [home for home in (own, here) if (home / DAGSTER_CONFIG).is_file()]
    return has_config[0] if has_config else own


def pubsub_emulator() -> str:
    """Address (``host:port``) of a Pub/Sub emulator; empty for none."""
    return os.environ.get("PUBSUB_EMULATOR_HOST", "")


def quiet_tensorflow() -> None:
    """Have TensorFlow write fewer notes on the machine to stderr when it is imported.

    Warnings stay, and so does a level that the user has set. What it writes before it reads the
    level, on CUDA, stays as well.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
