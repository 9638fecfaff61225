"""Provide the models that the settings turn on: their encoders, variants and titles.

The models themselves are defined in :mod:`audio_assets.models.registry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audio_assets.encoders.base import Encoder
from audio_assets.errors import MissingWeightsError
from audio_assets.models.installation import missing_weights
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
        """Variants of the clips that the models read, with or without their weights."""
        return frozenset(self.settings.variant(model) for model in self)

    @property
    def available_variants(self) -> frozenset[str]:
        """Variants of the clips that the available models read."""
        return frozenset(self.settings.variant(model) for model in self.available())

    def not_installed(self) -> dict[str, MissingWeightsError]:
        """Return model -> error for the models without weights that nobody asked for by name.

        These are enabled by default only. A model that the setting MODELS names is never among
        them: without its weights, its work fails.
        """
        if self.settings.names_models:
            return {}
        places = self.settings.weight_places(self.patience)
        found = {model: missing_weights(model, places) for model in self}
        return {model: error for model, error in found.items() if error is not None}

    def available(self) -> tuple[str, ...]:
        """Return the models to run: all but those that are not installed, in their order."""
        missing = self.not_installed()
        return tuple(model for model in self if model not in missing)

    def load_encoder(self, model: str) -> Encoder:
        """Load a new encoder of a model, for use by one thread."""
        return load_encoder(get_model(model).encoder, self.settings.weight_places(self.patience))

    def encoder_version(self, model: str) -> str:
        """Identify what a model's results depend on besides its clips and the settings."""
        return f"{self.load_encoder(model).fingerprint}-{self.reading_version(model)}"

    def reading_version(self, model: str) -> str:
        """Name the variant that a model reads and the head that it trains: ``data-logistic``."""
        return f"{self.settings.variant(model)}-{get_model(model).head}"
