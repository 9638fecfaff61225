"""Read lists and mappings from the text of a setting.

The settings themselves belong in :mod:`audio_assets.settings`.
"""

from __future__ import annotations

import json
from typing import Any

_OPENING, _CLOSING = "([{", ")]}"


def read_list(value: Any) -> Any:
    """Return the items of a JSON list, or of a list with commas; other values as they are.

    A comma within brackets or after a backslash separates nothing, as in a regular expression.

    Raises
    ------
    ValueError
        If the text is no such list.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return []
    if text[0] in "[{" or text == "null":
        return _read_json(text, list, 'a list such as ["a", "b"] or a,b')
    items = [item.strip() for item in _split(text)]
    if items[-1] == "":
        items.pop()
    if not items or "" in items:
        raise ValueError(f"{text!r} has an empty item")
    return items


def read_mapping(value: Any) -> Any:
    """Return the mapping in a JSON text; other values as they are.

    Raises
    ------
    ValueError
        If the text is no JSON mapping.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    return _read_json(text, dict, 'a mapping in JSON such as {"a": {"b": ["c"]}}') if text else {}


def _read_json(text: str, kind: type, expected: str) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{text!r} is not {expected} ({error.msg} at character {error.pos + 1})"
        ) from error
    if not isinstance(found, kind):
        raise ValueError(f"{text!r} is not {expected}")
    return found


def _split(text: str) -> list[str]:
    """Split a text at its commas outside of brackets."""
    items, depth, is_escaped = [""], 0, False
    for sign in text:
        if sign == "," and depth <= 0 and not is_escaped:
            items.append("")
            continue
        if not is_escaped:
            depth += (sign in _OPENING) - (sign in _CLOSING)
        is_escaped = sign == "\\" and not is_escaped
        items[-1] += sign
    return items
