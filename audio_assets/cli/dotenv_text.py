"""Write the text of a ``.env`` with every setting, its meaning and its default."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from audio_assets.settings import PREFIX, Settings

_WIDTH = 98
_HEAD = """\
# Settings of audio-assets, read from this folder's .env; the environment takes precedence.
# A line that begins with # is not in effect and shows the default or an example. Lists are written
# with commas or as JSON, mappings as JSON. `audio-assets settings` shows the values in effect.
"""
# In effect; they work in the folder of the .env.
LOCAL_VALUES: Mapping[str, str] = {"audio_root": "audio", "results_root": "results"}
_EXAMPLES: Mapping[str, str] = {
    "weights_root": "gs://bucket/weights",
    "cache_dir": "~/.cache/audio-assets",
    "species": "coyote,bullfrog",
    "species_classes": '{"coyote": {"birdnet": ["Canis latrans_Coyote"]}}',
    "recording_patterns": "default",
    "notifications": "projects/PROJECT/subscriptions/audio-assets",
    "webhook_url": "https://hooks.example.org/...",
}


def dotenv_text() -> str:
    """Return the text: the two roots in effect, and every other setting as a comment."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        meaning = textwrap.wrap(
            field.description or "", _WIDTH, break_long_words=False, break_on_hyphens=False
        )
        value = LOCAL_VALUES.get(name)
        line = f"{PREFIX}{name.upper()}="
        line = f"{line}{value}" if value else f"#{line}{_EXAMPLES.get(name) or _shown(field)}"
        parts.append("\n".join([*(f"# {text}" for text in meaning), line, ""]))
    return "\n".join(parts)


def _shown(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Collection) and not isinstance(value, Mapping):
        return ",".join(map(str, value))
    return json.dumps(value)
