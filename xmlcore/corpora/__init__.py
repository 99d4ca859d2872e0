"""Corpora up to their records: official files fetched or simulated, and converted."""
