"""Whether others on this machine can read the secrets of a ``.env``.

How secrets get from there into the settings belongs to :mod:`audio_assets.settings`.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import get_args

from dotenv import dotenv_values
from pydantic import SecretStr

from audio_assets.settings import DOTENV, PREFIX, Settings

# Of other programs, whose lines may stand in the file too.
_SECRET_NAME = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
_OTHERS = stat.S_IRGRP | stat.S_IROTH


def readable_secrets(path: Path = DOTENV) -> tuple[str, str] | None:
    """What is wrong with the rights of a ``.env`` with secrets, and what to do; None if nothing is.

    The secrets' names are said and their values are not.
    """
    # Windows has other rights, and tells none of them in the mode.
    if os.name != "posix":
        return None
    try:
        mode = path.stat().st_mode
        if not mode & _OTHERS:
            return None
        names = [name for name, value in dotenv_values(path).items() if value and _is_secret(name)]
    except OSError:
        # Reading the settings has a finding of its own for a file that cannot be read.
        return None
    if not names:
        return None
    who = "all users of this machine" if mode & stat.S_IROTH else "its group"
    return (
        f"{path.absolute()} holds {', '.join(names)} and can be read by {who}",
        f"Take the right away: chmod 600 {path.absolute()}",
    )


def _is_secret(name: str) -> bool:
    return name.upper() in _secret_settings() or bool(_SECRET_NAME.search(name))


def _secret_settings() -> set[str]:
    return {
        f"{PREFIX}{name}".upper()
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    }
