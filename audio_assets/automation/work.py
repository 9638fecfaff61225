"""What of a task is to be done, and the signature by which equal work is known again.

Whether it is done now is decided in :mod:`audio_assets.automation.decisions`.
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
    """What of a task is to be done; None if all of it is fresh.

    Parameters
    ----------
    probe
        Of a stage of the task that looks outside Dagster, if it is to look now.
    """
    partition = task.partition or None
    # Nothing was ever drawn, and nothing can be.
    if task.job == CHARTS and staleness.state(BALANCED_MANIFEST.name, partition) is State.MISSING:
        return None
    assets = stages_of_job(task.job, plan.settings)
    try:
        todo = staleness.due(assets, partition, probe)
        outside = probe.look(task.partition).version if probe is not None and todo else ""
    except TransientStorageError:
        # A run would only wait for the same bucket: the tick fails with its words, in good time.
        raise
    except AudioAssetsError as error:
        # The run meets the same fault and reports it; another fault is other work.
        todo, outside = list(assets[:1]), _fault(error)
    if not todo:
        return None
    # Of all assets of the task: a try that made some of them is still a try at the same work.
    own = staleness.signature(assets, partition)
    digest = hashlib.sha256(f"{own} {outside}".encode()).hexdigest()[:16]
    return Work(tuple(todo), digest)


def _fault(error: BaseException) -> str:
    """What tells a fault from another.

    The words of an encoder's own error may differ each time (an address, a temporary name): by
    them it would be other work at each look, and be tried for ever. Its kind stays.
    """
    if not isinstance(error, EncoderError):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__qualname__
