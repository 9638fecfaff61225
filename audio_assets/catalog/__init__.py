"""The catalog of clips and recordings: listing, identity, recordings, quarantine.

Decoding audio belongs in :mod:`audio_assets.audio`, access to bytes in :mod:`audio_assets.objects`.
"""
