"""Write ``docs/settings.md`` and ``.env.example``: ``python docs/settings_page.py``."""

import json
from pathlib import Path

from pydantic_core import PydanticUndefined

from audio_assets.cli.dotenv_text import dotenv_text
from audio_assets.settings import PREFIX, Settings

PAGE = Path(__file__).parent / "settings.md"
EXAMPLE = Path(__file__).parents[1] / ".env.example"

HEAD = """# Settings

Settings are environment variables, or lines of a `.env` file in the folder where the command is
called. The environment takes precedence over `.env`. Lists are written with commas
(`birdnet,perch`) or as JSON, mappings as JSON. `audio-assets settings` shows the values in effect
and where each comes from. An unknown name or a wrong value is an error before anything is started,
and names the nearest right ones. `audio-assets init FOLDER` writes a `.env` with every setting,
like `.env.example`.
[What recomputes when](recomputing.md) says what a change costs.

<!-- Written by docs/settings_page.py; a test compares. -->
"""


def page() -> str:
    """Return the page: one section per setting, in the order of the class."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        default = field.default
        if name == "cache_dir":
            shown = "`~/.cache/audio-assets`, or what `XDG_CACHE_HOME` says"
        else:
            if default is PydanticUndefined:
                assert field.default_factory is not None
                default = field.default_factory()  # type: ignore[call-arg]
            text = default if isinstance(default, str) else json.dumps(default)
            shown = "none" if default in ("", None) else f"`{text}`"
        parts.append(f"## {PREFIX}{name.upper()}\n\n{field.description}\n\nDefault: {shown}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
    EXAMPLE.write_text(dotenv_text())
