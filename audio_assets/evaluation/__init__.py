"""Evaluation of how well a model separates a species, by cross-validation over recordings.

Turns labelled embeddings into fold scores, learning curves with intervals, clips needed and paired
comparisons of models, one file per step. Nothing here reads audio or storage.
"""
