"""Define the plan from which a code location is built: settings, partitions, roots and models.

Jobs, sensors and commands receive the whole plan, an asset only the parts that it uses.
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
