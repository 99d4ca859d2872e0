"""The report: one HTML page and one Markdown file from what the stages left on disk.

`collect` and `provenance` read; `tables`, `figures`, `explanations` and their siblings for word attacks arrange;
`render` writes.
"""
