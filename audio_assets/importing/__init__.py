"""Labelled audio in other people's layouts, brought into {species}/data/{pos,neg}."""
