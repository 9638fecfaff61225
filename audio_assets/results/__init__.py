"""Tables on disk: the published layout, Parquet and CSV files, and the lock of a run.

The definitions of the tables belong in :mod:`audio_assets.tables`.
"""
