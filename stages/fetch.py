"""Bring official files here: a corpus, word vectors, a lexicon or a checkpoint, each into its folder in data.

python stages/fetch.py reuters21578
python stages/fetch.py reuters21578 --mirror /media/corpora
"""

from typing import Annotated

import typer

from xmlcore.common.cli import run


def main(
    name: Annotated[str, typer.Argument(help="Of `corpus`, `vector`, `lexicon` or `checkpoint` in params.yaml.")],
    mirror: Annotated[
        str | None,
        typer.Option(envvar="XMLCORE_MIRROR", help="Folder, file:// or http(s):// base holding NAME/FILE."),
    ] = None,
) -> None:
    """Fetch a corpus, word vectors, a lexicon or a checkpoint, or write the files of a simulated one."""
    from xmlcore.common import paths
    from xmlcore.common.errors import UserError
    from xmlcore.config.params import load_params
    from xmlcore.corpora.fetching import fetch

    params = load_params()
    sources = (
        {corpus: (known.fetch, paths.raw(corpus)) for corpus, known in params.corpus.items()}
        | {vectors: (files, paths.VECTORS / vectors) for vectors, files in params.vector.items()}
        | {lexicon: (files, paths.LEXICONS / lexicon) for lexicon, files in params.lexicon.items()}
        | {checkpoint: (known, paths.CHECKPOINTS / checkpoint) for checkpoint, known in params.checkpoint.items()}
    )
    if name not in sources:
        raise UserError(f"params.yaml: nothing is called {name!r} there; choose one of {', '.join(sources)}")
    fetch(name, *sources[name], seed=params.seed, mirror=mirror)


if __name__ == "__main__":
    run(main)
