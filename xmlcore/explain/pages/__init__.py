"""Explanations as a person reads them."""
