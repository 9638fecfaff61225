"""Tables on disk: the published layout, Parquet and CSV files, and the lock of a run."""
