"""Earlier path of :mod:`audio_assets.instance.launcher`, which the YAML files of instances name.

It goes with the next release; a new instance names the new path.
"""

from audio_assets.instance.launcher import LocalRunLauncher

__all__ = ["LocalRunLauncher"]
