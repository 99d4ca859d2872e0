"""Corpora: fetched, converted to records, encoded as token ids, and read in batches."""
