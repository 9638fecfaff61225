"""Splits: the recordings to train on and to test on in each repeat and fold."""
