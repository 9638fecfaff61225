"""Decoding of audio: from the bytes of a file to windows of samples.

Reading files and buckets belongs in :mod:`audio_assets.objects`.
"""
