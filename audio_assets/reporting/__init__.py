"""The report for readers: sentences, charts, tables and the HTML page.

Code here turns finished tables into words and pictures. Numbers are never estimated here; that
belongs in :mod:`audio_assets.evaluation`.
"""
