"""No sample is lost, repeated or moved when a clip is cut into windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.audio.windows import cut_windows


def ramp(n: int) -> np.ndarray:
    return np.arange(1, n + 1, dtype=np.float32)


@given(
    n=st.integers(1, 2_000),
    rate=st.integers(8, 200),
    window_seconds=st.sampled_from([0.5, 0.96, 1.0, 3.0, 5.0]),
)
def test_windows_are_the_clip_in_order_then_zeros(n: int, rate: int, window_seconds: float) -> None:
    windows = cut_windows(ramp(n), rate, window_seconds)
    length = round(rate * window_seconds)
    assert windows.dtype == np.float32
    assert windows.shape[1] == length
    flat = windows.reshape(-1)
    kept = min(n, flat.size)
    np.testing.assert_array_equal(flat[:kept], ramp(n)[:kept])
    assert not flat[kept:].any()
    # What is dropped is less than half a second, and only beside a full window.
    assert n - kept < max(0.5 * rate, 1)
    assert n == kept or n > length
    # A window that is all padding would be one too many.
    assert (len(windows) - 1) * length < n


def test_a_short_clip_is_padded_at_its_end_however_short() -> None:
    windows = cut_windows(ramp(3), 100, 3.0)
    assert windows.shape == (1, 300)
    assert windows[0, :3].tolist() == [1, 2, 3]
    assert not windows[0, 3:].any()


@pytest.mark.parametrize(
    ("seconds", "count"), [(3.0, 1), (3.49, 1), (3.5, 2), (6.0, 2), (6.4, 2), (6.5, 3), (9.0, 3)]
)
def test_a_last_part_is_kept_from_half_a_second_on(seconds: float, count: int) -> None:
    assert len(cut_windows(ramp(round(100 * seconds)), 100, 3.0)) == count


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros((2, 2), np.float32)])
def test_only_a_vector_with_samples_is_cut(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="vector"):
        cut_windows(samples, 100, 3.0)


def test_a_window_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        cut_windows(ramp(3), 100, 0.001)
