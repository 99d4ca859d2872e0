"""Convert a corpus's official files in data/CORPUS/raw into the records of data/CORPUS/records.

python stages/convert.py reuters21578

The format decides how: RCV1's topics are merged into its token files (`merge_rcv1`), a bag of words such as EUR-Lex's
becomes pseudo-text (`convert_eurlex`), and so on, a module for each in `xmlcore/corpora/formats`.
"""

from typing import Annotated

import typer

from xmlcore.common.cli import run

MOSTLY = 0.5  # of the documents with labels of their own: they are likely read wrongly


def main(corpus: Annotated[str, typer.Argument(help="A name under `corpus` in params.yaml.")]) -> None:
    """Convert CORPUS into data/CORPUS/records/{train,test}.tsv."""
    from xmlcore.common import paths
    from xmlcore.common.cli import console
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.corpora.about import About, write_about
    from xmlcore.corpora.formats.converters import CONVERTERS
    from xmlcore.corpora.label_titles import TITLES, read_titles, write_titles
    from xmlcore.corpora.records import summarise

    settings = load_params().corpus_of(corpus)
    options, titled = settings.convert, settings.fetch.labels
    with atomic_directory(paths.records(corpus)) as destination:
        CONVERTERS[options.format](paths.raw(corpus), destination, options)
        summary = summarise(destination)
        write_about(destination, About(language=options.language, license=settings.fetch.license))
        write_titles(destination / TITLES, read_titles(paths.raw(corpus) / titled, options.language) if titled else {})
    print(
        f"{corpus}: {summary.train_documents:,} train and {summary.test_documents:,} test documents, "
        f"{summary.labels:,} labels, {summary.mean_labels:.2f} labels and {summary.mean_tokens:.0f} tokens a document"
    )
    if summary.own_labels > MOSTLY:
        console.print(
            f"{corpus}: warning: {summary.own_labels:.0%} of documents have a label that no other has; where commas or "
            "semicolons join labels, set convert.label_separator; where another column holds them, convert.columns"
        )


if __name__ == "__main__":
    run(main)
