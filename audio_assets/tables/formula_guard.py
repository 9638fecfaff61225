"""Text that a spreadsheet would run as a formula, kept from it in every CSV that is written.

Whoever names a file ``=HYPERLINK(...)`` may not have that run by who opens the table. The guard is
an apostrophe, by which spreadsheets know text; our readers take it away again.
"""

import re

# What spreadsheets begin a formula with, or strip before they look. Apostrophes before a sign are
# guarded with it, so that a text that has some of its own reads back as it was.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def guarded(text: str) -> str:
    """The text as it is written into a field of a CSV: never the beginning of a formula.

    >>> guarded("=1+1"), guarded("owl"), guarded("'=1+1")
    ("'=1+1", 'owl', "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that a field was written from; one that nobody guarded stays as it is.

    >>> unguarded("'=1+1"), unguarded("=1+1"), unguarded("'owl'")
    ('=1+1', '=1+1', "'owl'")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
