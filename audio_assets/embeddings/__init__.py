"""Embeddings of many clips: streaming, worker processes and the store that keeps them."""
