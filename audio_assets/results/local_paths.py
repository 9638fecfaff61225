"""Replace the paths of this machine in published text, so that it can be passed on."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

_PROGRAM = re.compile(r"(<script>.*?</script>)", re.DOTALL)
_PART_OF_NAME = r"[\w.~-]"


class LocalPaths:
    """Paths that must not leave this machine, and what to write in their place.

    Parameters
    ----------
    names
        Path -> name. Where a path lies in another, the longer one is replaced first. The root of
        the file system, which would match every path, is ignored.
    user
        Name of the user, replaced by ``USER`` where it is part of any other absolute path; empty
        if not known.
    """

    def __init__(self, names: Mapping[str, str], user: str = "") -> None:
        self._names = {
            written: name
            for path, name in names.items()
            if (plain := path.rstrip("/"))
            for written in _ways_to_write(plain)
        }
        longest_first = sorted(self._names, key=lambda path: (-len(path), path))
        self._paths = (
            re.compile(
                f"(?<!{_PART_OF_NAME})(?:{'|'.join(map(re.escape, longest_first))})"
                f"(?!{_PART_OF_NAME})"
            )
            if longest_first
            else None
        )
        self._user = (
            re.compile(
                rf"(?<!{_PART_OF_NAME})((?:/[^\s/\"'<>]+)*/){re.escape(user)}(?!{_PART_OF_NAME})"
            )
            if user
            else None
        )

    def replaced(self, text: str) -> str:
        """Return a text without these paths."""
        if self._paths is not None:
            text = self._paths.sub(lambda found: self._names[found[0]], text)
        if self._user is not None:
            text = self._user.sub(r"\1USER", text)
        return text

    def replaced_in_page(self, page: str) -> str:
        """Return an HTML page without these paths; its programs, which have digests, stay."""
        parts = _PROGRAM.split(page)
        return "".join(
            part if place % 2 else self.replaced(part) for place, part in enumerate(parts)
        )


def _ways_to_write(path: str) -> set[str]:
    """Return a path as it is written in text, HTML, JSON, URLs and CSV."""
    in_json = json.dumps(path)[1:-1]
    escaped = in_json.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
    in_html = html.escape(path, quote=False)
    return {
        path,
        in_html.replace("'", "&#39;").replace('"', "&#34;"),
        in_json,
        json.dumps(path, ensure_ascii=False)[1:-1],
        escaped,
        quote(path),
        path.encode("utf-8", errors="backslashreplace").decode(),
        path.replace('"', '""'),
    }
