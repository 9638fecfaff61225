"""The encoders, one module per family: from windows of audio to embeddings.

Their registry belongs in :mod:`audio_assets.models`, their weights in :mod:`audio_assets.weights`.
"""
