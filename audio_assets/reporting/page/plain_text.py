"""A section of the report as plain text, for a paper or an e-mail."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "li", "h2", "h3", "h4"})
_WIDTH = 88


def section_text(page: str, name: str) -> str:
    """Return the headings, paragraphs and lists of a section.

    Parameters
    ----------
    page
        The report.
    name
        Id of the section's heading, such as ``methods``.

    Raises
    ------
    ValueError
        The page has no such section.
    """
    found = re.search(
        f'<section aria-labelledby="{re.escape(name)}">(.*?)</section>', page, re.DOTALL
    )
    if found is None:
        raise ValueError(f"the page has no section {name!r}")
    reader = _Reader()
    reader.feed(found[1])
    reader.close()
    return "\n".join(reader.lines).strip() + "\n"


class _Reader(HTMLParser):
    """Collects the text of blocks as wrapped lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "sub":
            self._text += " "
        if tag not in _BLOCKS:
            return
        text, self._text = " ".join(self._text.split()), ""
        if tag == "li":
            self.lines += textwrap.wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")
            return
        self.lines += ["", *textwrap.wrap(text, _WIDTH)]
        if tag != "p":
            self.lines.append("-" * min(len(text), _WIDTH))
