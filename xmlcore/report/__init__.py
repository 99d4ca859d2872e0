"""The report: one HTML page and one Markdown file from what the stages left on disk.

`collect` and `provenance` read what `formats` and `trust_formats` describe into `results`; the other modules each
arrange a section or a part of it as tables, figures or texts; `render` writes them through `templates/`.
"""
