"""The Dagster pipeline: assets, checks, versions, staleness; when it runs is decided elsewhere."""
