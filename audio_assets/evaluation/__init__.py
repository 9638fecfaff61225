"""How well a model separates a species, by recording-wise cross-validation.

From labelled embeddings to fold scores, learning curves with intervals, clips needed and paired
comparisons of models. The steps are files of their own; nothing here reads audio or storage.
"""
