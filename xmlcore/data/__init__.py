"""Corpora as models read them: tokens, splits of token ids, batches, and initial word vectors."""
