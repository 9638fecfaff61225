"""Decisions of the automation: plain functions over what its sensors saw; Dagster is not known."""
