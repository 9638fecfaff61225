import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.reporting.charts import placement
from audio_assets.reporting.words import wording

SHARES = st.floats(0, 1)


@pytest.mark.parametrize("module", [wording, placement])
def test_the_examples_in_the_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@given(SHARES, st.integers(1, 4))
def test_only_an_exact_one_is_written_as_one_and_only_an_exact_zero_as_zero(value, digits):
    shown = float(wording.share(value, digits))
    assert (shown == 1) == (value == 1)
    assert (shown == 0) == (value == 0)
    assert abs(shown - value) <= 10.0**-digits


@given(SHARES, SHARES, st.integers(1, 4))
def test_a_printed_interval_holds_the_interval(a, b, digits):
    low, high = sorted((a, b))
    shown_low, shown_high = map(float, wording.interval(low, high, digits).split(" to "))
    assert shown_low <= low <= high <= shown_high
    assert low - shown_low < 10.0**-digits + 1e-12
    assert shown_high - high < 10.0**-digits + 1e-12


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_printed_as_one(value):
    with pytest.raises(ValueError, match="not a finite number"):
        wording.share(value)
