"""Sentences, names and number formats shared by the report, the charts and the console."""
