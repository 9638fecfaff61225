"""Weights of pretrained models: where they come from, where they lie, and whether they are right.

What is done with them belongs to :mod:`audio_assets.encoders`.
"""
