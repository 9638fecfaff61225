"""Scheduling: sensors, schedules and the local runner, thin Dagster code over pure decisions.

Assets and their staleness belong in :mod:`audio_assets.pipeline`.
"""
