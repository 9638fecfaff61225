"""Sentences and names of things, for the report, the charts and the console."""
