"""Check that other users of the machine cannot read the secrets in a ``.env``.

Loading secrets from there into the settings belongs to :mod:`audio_assets.settings`.
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

# Names of other programs' secrets, which may be in the file too.
_SECRET_NAME = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
_OTHERS = stat.S_IRGRP | stat.S_IROTH


def readable_secrets(path: Path = DOTENV) -> tuple[str, str] | None:
    """Return the problem with the permissions of a ``.env`` with secrets, and the remedy, or None.

    The text names the secrets, but not their values.
    """
    # Windows has other permissions, which the mode does not contain.
    if os.name != "posix":
        return None
    try:
        mode = path.stat().st_mode
        if not mode & _OTHERS:
            return None
        names = [name for name, value in dotenv_values(path).items() if value and _is_secret(name)]
    except OSError:
        # Loading the settings has a finding of its own for an unreadable file.
        return None
    if not names:
        return None
    readers = "all users of this machine" if mode & stat.S_IROTH else "its group"
    return (
        f"{path.absolute()} contains {', '.join(names)} and can be read by {readers}",
        f"Restrict it to yourself: chmod 600 {path.absolute()}",
    )


def _is_secret(name: str) -> bool:
    return name.upper() in _secret_settings() or bool(_SECRET_NAME.search(name))


def _secret_settings() -> set[str]:
    return {
        f"{PREFIX}{name}".upper()
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    }
