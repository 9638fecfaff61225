"""Earlier path of :mod:`audio_assets.instance.queue`, which the YAML files of instances name.

It goes with the next release; a new instance names the new path.
"""

from audio_assets.instance.queue import PartitionRunCoordinator, PodRunCoordinator, RefusedRunError

__all__ = ["PartitionRunCoordinator", "PodRunCoordinator", "RefusedRunError"]
