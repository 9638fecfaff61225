"""The Dagster assets, a file a stage of the data flow."""
