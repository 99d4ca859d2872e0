"""The report: one HTML page and one Markdown file from what the stages left on disk.

`collect` and `provenance` read, `tables`, `figures` and `explanations` arrange, `render` writes.
"""
