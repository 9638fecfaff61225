"""Write ``docs/settings.md`` from the class of the settings: ``python docs/settings_page.py``."""

import json
from pathlib import Path

from pydantic_core import PydanticUndefined

from audio_assets.settings import PREFIX, Settings

PAGE = Path(__file__).parent / "settings.md"

HEAD = """# Settings

Environment variables or lines of a `.env` file in the folder where the command is called; lists and
mappings are JSON. The environment goes before `.env`. `audio-assets settings` shows what is in
effect and where each value comes from; an unknown name or a wrong value is an error before anything
is begun. What a change makes run again is said under [Methods](methods.md).

<!-- Written by docs/settings_page.py; a test compares. -->
"""


def page() -> str:
    """The page: a section a setting, in the order of the class."""
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
