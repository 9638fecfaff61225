"""Synthetic clips in the users' layout, for the demo and tests; they do not model real animals."""

from audio_assets.synthetic.plan import SPECIES
from audio_assets.synthetic.writing import NOTICE_FILE, DemoSummary, write_demo_audio

__all__ = ["NOTICE_FILE", "SPECIES", "DemoSummary", "write_demo_audio"]
