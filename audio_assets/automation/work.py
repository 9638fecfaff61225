"""Determine the stale part of a task, and the signature that identifies equal work.

The decision to do it now belongs in :mod:`audio_assets.automation.decisions`.
"""

from __future__ import annotations

import hashlib

from audio_assets.automation.decisions import Task, Work
from audio_assets.errors import AudioAssetsError, EncoderError, TransientStorageError
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import Probe
from audio_assets.pipeline.stages import CHARTS, stages_of_job
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.tables import BALANCED_MANIFEST


def work_of(
    plan: AssetPlan, staleness: Staleness, task: Task, probe: Probe | None = None
) -> Work | None:
    """Return the work of a task; None if all of it is fresh.

    Parameters
    ----------
    probe
        Probe of a stage that depends on something outside Dagster, if it should run now.
    """
    partition = task.partition or None
    # Nothing has ever been drawn, and nothing can be.
    if task.job == CHARTS and staleness.state(BALANCED_MANIFEST.name, partition) is State.MISSING:
        return None
    assets = stages_of_job(task.job, plan.settings)
    try:
        todo = staleness.due(assets, partition, probe)
        outside = probe.find(task.partition).version if probe is not None and todo else ""
    except TransientStorageError:
        # A run would only wait for the same bucket, so the tick fails with this error at once.
        raise
    except AudioAssetsError as error:
        # The run will meet the same error and report it; a different error is different work.
        todo, outside = list(assets[:1]), _fault(error)
    if not todo:
        return None
    # Over all assets of the task, so that a partly successful attempt counts as the same work.
    own = staleness.signature(assets, partition)
    digest = hashlib.sha256(f"{own} {outside}".encode()).hexdigest()[:16]
    return Work(tuple(todo), digest)


def _fault(error: BaseException) -> str:
    """Return a text that identifies an error.

    The message of an encoder's own error may differ each time (an address, a temporary name), so
    that it would be different work every time and be retried forever. Its type stays the same.
    """
    if not isinstance(error, EncoderError):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__qualname__
