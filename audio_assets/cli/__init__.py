"""The command ``audio-assets``: options, calls and console output; no domain logic."""

from audio_assets.cli.app import main

__all__ = ["main"]
