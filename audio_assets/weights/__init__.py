"""Weights of pretrained models: sources, places, fetching and verification.

Using the weights belongs in :mod:`audio_assets.encoders`.
"""
