"""One module for each explainer."""
