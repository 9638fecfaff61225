"""The command ``audio-assets``."""

from audio_assets.cli.app import main

__all__ = ["main"]
