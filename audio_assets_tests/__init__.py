"""Tests of audio-assets; the folders mirror the package."""
