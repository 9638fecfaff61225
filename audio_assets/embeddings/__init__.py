"""Embeddings of many clips: the streaming loop, worker processes and the embedding store."""
