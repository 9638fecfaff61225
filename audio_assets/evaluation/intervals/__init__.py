"""Means over folds with their intervals, comparisons of models, and clips needed."""
