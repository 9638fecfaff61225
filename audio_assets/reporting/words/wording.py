"""Formats of names and numbers, the same in charts, tables and sentences."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

EMPTY = "–"
"""Shown where a table has no value."""


def species_in_words(species: str) -> str:
    """Write the name of a species folder as words.

    >>> species_in_words("human_vocal")
    'Human vocal'
    """
    words = species.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else species


def is_missing(value: Any) -> bool:
    """Return whether a cell of a table is empty: None, NaN or pandas.NA."""
    if isinstance(value, str):
        return False
    import pandas as pd

    return bool(pd.isna(value))


def share(value: float, digits: int = 3) -> str:
    """Write a number between 0 and 1, such as an AUC; only an exact 1 or 0 becomes 1 or 0.

    >>> share(0.99996), share(1.0), share(0.8125, 2)
    ('0.999', '1.000', '0.81')
    """
    number = _round(value, digits, ROUND_HALF_EVEN)
    step = Decimal(1).scaleb(-digits)
    if value < 1 <= number:
        number = 1 - step
    elif value > 0 >= number:
        number = step
    return f"{number:.{digits}f}"


def magnitude(value: float) -> str:
    """Write the size of a difference or an error without its sign, or "under 0.001".

    Unlike :func:`share`, this never rounds up to a smallest step: a difference must not be printed
    larger than the upper end of its own interval.

    >>> magnitude(0.0421), magnitude(-0.0012), magnitude(0.0004), magnitude(0.0)
    ('0.042', '0.001', 'under 0.001', '0.000')
    """
    if 0 < abs(value) < 0.001:
        return "under 0.001"
    return f"{_round(abs(value), 3, ROUND_HALF_EVEN):.3f}"


def interval(low: float, high: float, digits: int = 3) -> str:
    """Write an interval, rounded outwards so that it never claims more than was found.

    A lower end of 0.9496 must not be printed as 0.950 beside "0.95 is not reached".

    >>> interval(0.9496, 0.9712, 2)
    '0.94 to 0.98'
    """
    return (
        f"{_round(low, digits, ROUND_FLOOR):.{digits}f} to "
        f"{_round(high, digits, ROUND_CEILING):.{digits}f}"
    )


def signed_interval(low: float, high: float, digits: int = 3) -> str:
    """Write an interval of differences with signs, rounded outwards.

    >>> signed_interval(-0.0121, 0.3)
    '−0.013 to +0.300'
    """
    return (
        f"{_signed(_round(low, digits, ROUND_FLOOR), digits)} to "
        f"{_signed(_round(high, digits, ROUND_CEILING), digits)}"
    )


def signed(value: float, digits: int = 3) -> str:
    """Write a difference with its sign.

    >>> signed(-0.02), signed(0.0)
    ('−0.020', '0.000')
    """
    return _signed(_round(value, digits, ROUND_HALF_EVEN), digits)


def p_value(value: float) -> str:
    """Write a p value to two significant figures, but none below the method's resolution.

    >>> p_value(0.04321), p_value(0.00001), p_value(1.0)
    ('0.043', '< 0.001', '1')
    """
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def percent(level: float) -> str:
    """Write a level of confidence as a percentage.

    >>> percent(0.95), percent(0.995)
    ('95 %', '99.5 %')
    """
    return f"{100 * level:.10g} %"


def count(value: float) -> str:
    """Write a count; medians may end in .5.

    >>> count(12.0), count(7.5)
    ('12', '7.5')
    """
    return f"{value:.10g}"


def number_range(values: set[int]) -> str:
    """Write a set of numbers as one number, or from lowest to highest.

    >>> number_range({5}), number_range({3, 5})
    ('5', '3 to 5')
    """
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def range_needed(low: int | None, high: int | None, smallest: int, largest: int) -> str:
    """Write the range of clips needed, claiming nothing about sizes that were not evaluated.

    Parameters
    ----------
    low
        Smallest size that may be enough; None if no evaluated size may be.
    high
        Smallest size that is certainly enough; None if no evaluated size is.
    smallest, largest
        Evaluated sizes.

    >>> range_needed(16, 64, 4, 300), range_needed(16, None, 4, 300)
    ('16 to 64', '16 to more than 300')
    >>> range_needed(4, 64, 4, 300), range_needed(None, None, 4, 300)
    ('64 or fewer', 'more than 300')
    >>> range_needed(4, None, 4, 300), range_needed(64, 64, 4, 300)
    ('up to more than 300', '64')
    """
    if low is None:
        return f"more than {largest}"
    if high is None:
        return f"{'up' if low == smallest else low} to more than {largest}"
    if low == smallest:
        return f"{high} or fewer"
    return number_range({low, high})


def _round(value: float, digits: int, rounding: str) -> Decimal:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    # Through repr: the binary 0.95 lies below 0.95, and rounding it down would print 0.949.
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=rounding)


def _signed(number: Decimal, digits: int) -> str:
    sign = "−" if number < 0 else "+" if number > 0 else ""
    return f"{sign}{abs(number):.{digits}f}"
