"""Provide the models that the settings turn on: their encoders, variants and titles.

The models themselves are defined in :mod:`audio_assets.models.registry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audio_assets.encoders.base import Encoder
from audio_assets.models.registry import get_model, load_encoder
from audio_assets.settings import Settings


@dataclass(frozen=True)
class EnabledModels:
    """The models that the settings turn on.

    Attributes
    ----------
    settings
        Names of the models, and places of their weights.
    patience
        Seconds after which to give up on a bucket that fails, if other than two minutes.
    """

    settings: Settings
    patience: float | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings.models)

    @property
    def titles(self) -> dict[str, str]:
        """Model -> title, as charts show it."""
        return {model: self.settings.title(model) for model in self}

    @property
    def variants(self) -> frozenset[str]:
        """Variants of the clips that the models read."""
        return frozenset(self.settings.variant(model) for model in self)

    def load_encoder(self, model: str) -> Encoder:
        """Load a new encoder of a model, for use by one thread."""
        return load_encoder(get_model(model).encoder, self.settings.weight_places(self.patience))

    def encoder_version(self, model: str) -> str:
        """Identify what a model's results depend on besides its clips and the settings."""
        return f"{self.load_encoder(model).fingerprint}-{self.reading_version(model)}"

    def reading_version(self, model: str) -> str:
        """Name the variant that a model reads and the head that it trains: ``data-logistic``."""
        return f"{self.settings.variant(model)}-{get_model(model).head}"
