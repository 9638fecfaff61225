"""Classes named in dagster.yaml and the Helm values: run queue, run launcher, pod sizes.

Assets and sensors belong in :mod:`audio_assets.pipeline` and :mod:`audio_assets.automation`.
"""
