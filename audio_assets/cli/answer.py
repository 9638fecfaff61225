"""``audio-assets answer``: print the published answers."""

from __future__ import annotations

import json
from typing import Any

from audio_assets.cli.console import plain_console
from audio_assets.models.registry import get_model
from audio_assets.published import load_answers
from audio_assets.reporting.words.answer_words import verdict
from audio_assets.reporting.words.wording import is_missing
from audio_assets.settings import load_settings


def print_answers(*, as_json: bool) -> None:
    """Print the answer about each species, in words or as JSON."""
    rows = load_answers(load_settings().results_root).to_dict("records")
    if as_json:
        print(json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False))
        return
    console = plain_console()
    for row in rows:
        title = "" if is_missing(row["model"]) else get_model(row["model"]).title
        text = f"{row['species']}: {verdict(row, title)}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if not rows:
        console.print("There is no answer yet: no species has a curve.", highlight=False)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): None if is_missing(value) else value for name, value in row.items()}
