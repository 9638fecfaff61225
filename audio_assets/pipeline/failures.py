"""Turn errors of a stage into Dagster failures, and log while it is at work.

Only transient errors are retried. The computation of a stage does not belong here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from audio_assets.errors import AudioAssetsError, TransientStorageError
from audio_assets.progress import LogProgress

# Few, because the storage has already retried for two minutes. It is not passed to Dagster: under a
# retry policy Dagster restarts an interrupted step, so that a terminated run went on.
_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@contextmanager
def clear_failures(retry_number: int = 0) -> Iterator[None]:
    """Turn errors into Dagster failures that say what to do; request a retry of transient ones.

    Parameters
    ----------
    retry_number
        Number of retries of the step so far; each waits longer than the one before.
    """
    try:
        yield
    except TransientStorageError as error:
        raise dg.RetryRequested(
            max_retries=_RETRIES.max_retries,
            seconds_to_wait=_RETRIES.calculate_delay(retry_number + 1),
        ) from dg.Failure(description=str(error))
    except AudioAssetsError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise dg.Failure(description=what, allow_retries=False) from error


@contextmanager
def log_while_running(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Write a line to the run's log every 30 s, for work that does not report its own progress."""
    title = context.op_execution_context.op.name
    if context.has_partition_key:
        title = f"{context.partition_key}: {title}"
    with LogProgress().task(title, context.log.info):
        yield
