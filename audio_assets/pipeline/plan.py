"""The plan that a code location is built from: settings, partitions, and what derives from them.

Jobs, sensors and commands are given all of it; an asset is given the parts that it uses.
"""

from dataclasses import dataclass

from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.partitions import Partitions
from audio_assets.pipeline.roots import Roots
from audio_assets.settings import Settings


@dataclass(frozen=True)
class AssetPlan:
    """Settings and partitions that a set of assets is built for.

    Attributes
    ----------
    patience
        Seconds after which to give up on a bucket that fails, if other than two minutes.
    """

    settings: Settings
    partitions: Partitions
    patience: float | None = None

    @property
    def roots(self) -> Roots:
        """The audio root and the results root."""
        return Roots(self.settings, self.patience)

    @property
    def models(self) -> EnabledModels:
        """The models that the settings turn on."""
        return EnabledModels(self.settings, self.patience)
