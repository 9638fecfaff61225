"""Sensors and schedules: thin Dagster code over the decisions of ``audio_assets.scheduling``."""
