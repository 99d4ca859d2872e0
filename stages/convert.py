"""Convert a corpus's official files in data/CORPUS/raw into the records of data/CORPUS/records.

python stages/convert.py reuters21578
"""

from typing import Annotated

import typer

from xmlcore.common.cli import run
from xmlcore.common.errors import UserError


def main(corpus: Annotated[str, typer.Argument(help="A name under `corpus` in params.yaml.")]) -> None:
    """Convert a corpus into data/CORPUS/records/{train,test}.tsv."""
    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.formats.converters import CONVERTERS
    from xmlcore.data.records import summarise

    params = load_params()
    if corpus not in params.corpus:
        raise UserError(f"params.yaml: no corpus.{corpus}; choose one of: {', '.join(params.corpus)}")
    options = params.corpus[corpus].convert
    with atomic_directory(paths.records(corpus)) as destination:
        CONVERTERS[options.format](paths.raw(corpus), destination, options)
        summary = summarise(destination)
    print(
        f"{corpus}: {summary.train_documents:,} train and {summary.test_documents:,} test documents, "
        f"{summary.labels:,} labels, {summary.mean_labels:.2f} labels and {summary.mean_tokens:.0f} tokens a document"
    )


if __name__ == "__main__":
    run(main)
