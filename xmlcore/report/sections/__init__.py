"""The folded sections of the report: tables, figures and texts, a module for each theme."""
