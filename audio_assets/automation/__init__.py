"""Sensors and schedules: thin Dagster code over the pure decisions beside it."""
