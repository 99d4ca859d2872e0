"""The report: one HTML page and one Markdown file from what the stages left on disk.

`collect` reads what the modules `results` of the other packages describe into the `results` of this one, `provenance`
the parameters and hashes; `story` and the modules of `sections` each arrange a section or a part of it as tables,
figures or texts; `render` writes them through `templates/`.
"""
