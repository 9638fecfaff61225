"""Limiting linear algebra to one thread, so that results are bit-identical between runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread.

    More threads change the order of sums, and are slower on matrices this small.
    """
    # scipy brings a BLAS of its own. Loaded only after the limit is set, it kept all its threads:
    # scores of fits on 128 clips and more then differed by 1e-14 from one process to the next.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    limit: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limit
