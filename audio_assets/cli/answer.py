"""``audio-assets answer``: print the published answers."""

from __future__ import annotations

import json
from typing import Any

from audio_assets.cli.console import plain_console
from audio_assets.cli.verdicts import print_verdicts
from audio_assets.published import load_answers
from audio_assets.reporting.words.wording import is_missing
from audio_assets.settings import load_settings


def print_answers(*, as_json: bool) -> None:
    """Print the answer about each species, in words or as JSON."""
    settings = load_settings()
    if as_json:
        rows = load_answers(settings.results_root).to_dict("records")
        print(json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False))
        return
    print_verdicts(settings.results_root, settings, plain_console())


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): None if is_missing(value) else value for name, value in row.items()}
