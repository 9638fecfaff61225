"""Earlier path of :mod:`audio_assets.models.registry`, for packages that bring their own models.

It will be removed in the next release.
"""

from audio_assets.models.registry import EncoderSpec, ModelRegistration, ModelSpec

__all__ = ["EncoderSpec", "ModelRegistration", "ModelSpec"]
