"""What people read: charts, sentences, tables, the HTML report and the published CSV format.

Everything here turns finished tables into words and pictures. No number is estimated here; that
belongs in :mod:`audio_assets.evaluation`.
"""
