"""Import labelled audio from other layouts into {species}/data/{pos,neg}.

Each source layout has its module; decoding belongs in :mod:`audio_assets.audio`.
"""
