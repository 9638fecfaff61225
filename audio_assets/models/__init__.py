"""Models, each an encoder with a head: the registry, and the heads to train.

Encoders belong in :mod:`audio_assets.encoders`, evaluation in :mod:`audio_assets.evaluation`.
"""
