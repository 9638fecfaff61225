"""The Dagster assets, one file per stage."""
