"""The classes that dagster.yaml and the Helm values name: run queue, run launcher, pod sizes."""
