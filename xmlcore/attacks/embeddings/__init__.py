"""Gradient attacks on the embeddings of a document's tokens."""
