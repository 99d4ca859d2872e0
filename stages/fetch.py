"""Bring official files here: a corpus, word vectors, a lexicon or a checkpoint, each into its folder in data.

python stages/fetch.py reuters21578
python stages/fetch.py reuters21578 --mirror /media/corpora
python stages/fetch.py rcv1 --check
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
    check: Annotated[bool, typer.Option("--check", help="Only say which official addresses answer.")] = False,
) -> None:
    """Fetch a corpus, word vectors, a lexicon or a checkpoint, or write the files of a simulated one."""
    from xmlcore.common import paths
    from xmlcore.common.errors import UserError
    from xmlcore.config.params import Fetch, load_params
    from xmlcore.corpora.fetching import check_addresses, fetch

    params = load_params()
    sources = (
        {corpus: (known.fetch, paths.raw(corpus)) for corpus, known in params.corpus.items()}
        | {vectors: (files, paths.VECTORS / vectors) for vectors, files in params.vector.items()}
        | {lexicon: (files, paths.LEXICONS / lexicon) for lexicon, files in params.lexicon.items()}
        | {checkpoint: (known, paths.CHECKPOINTS / checkpoint) for checkpoint, known in params.checkpoint.items()}
    )
    if name not in sources:
        raise UserError(f"params.yaml: nothing is called {name!r} there; choose one of {', '.join(sources)}")
    source, folder = sources[name]
    if check:
        checked = check_addresses(source.files if isinstance(source, Fetch) else {})
        for file, url, fault in checked:
            print(f"{file}: {url} {fault or 'answers'}")
        if any(fault for _, _, fault in checked):
            raise UserError(f"{name}: not every address answers")
        return
    fetch(name, source, folder, seed=params.seed, mirror=mirror)


if __name__ == "__main__":
    run(main)
