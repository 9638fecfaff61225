"""The Dagster assets, one file per stage; see :mod:`audio_assets.pipeline.stages`."""
