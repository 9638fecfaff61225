"""Protection against text in CSV files that a spreadsheet would run as a formula.

A file named ``=HYPERLINK(...)`` must not run as a formula when a table that lists it is opened. The
guard is a leading apostrophe, which spreadsheets take as a mark of text; our readers remove it.
"""

import re

# Characters that begin a formula, or that spreadsheets strip before they look for one. Leading
# apostrophes are part of the pattern, so that a text with apostrophes of its own reads back
# unchanged.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def guarded(text: str) -> str:
    """Text to write into a CSV field, which never begins a formula.

    >>> guarded("=1+1"), guarded("owl"), guarded("'=1+1")
    ("'=1+1", 'owl', "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The original text of a CSV field; an unguarded one is returned unchanged.

    >>> unguarded("'=1+1"), unguarded("=1+1"), unguarded("'owl'")
    ('=1+1', '=1+1', "'owl'")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
