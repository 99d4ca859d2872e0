"""Bring official files here: a corpus into data/CORPUS/raw, word vectors and lexicons into their folder in data.

python stages/fetch.py reuters21578
python stages/fetch.py reuters21578 --mirror /media/corpora
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from xmlcore.common import paths
from xmlcore.common.cli import run
from xmlcore.common.errors import UserError
from xmlcore.config.params import load_params
from xmlcore.data.fetching import describe_files, fetch_files


def main(
    corpus: Annotated[str, typer.Argument(help="A name under `corpus`, `vector` or `lexicon` in params.yaml.")],
    mirror: Annotated[
        str | None,
        typer.Option(envvar="XMLCORE_MIRROR", help="Folder, file:// or http(s):// base holding CORPUS/FILE."),
    ] = None,
) -> None:
    """Fetch a corpus into data/CORPUS/raw, word vectors into data/vectors/NAME, a lexicon into data/lexicons/NAME."""
    params = load_params()
    sources = (
        {name: (known.fetch, paths.raw(name)) for name, known in params.corpus.items()}
        | {name: (fetch, paths.VECTORS / name) for name, fetch in params.vector.items()}
        | {name: (fetch, paths.LEXICONS / name) for name, fetch in params.lexicon.items()}
    )
    if corpus not in sources:
        raise UserError(f"params.yaml: no corpus, vector or lexicon {corpus}; choose one of {', '.join(sources)}")
    fetch, raw = sources[corpus]
    if fetch.simulation is None:
        fetch_files(corpus, fetch.files, raw, mirror)
        return

    from xmlcore.data.simulation.mirror import write_mirror  # only simulated corpora need it

    with tempfile.TemporaryDirectory() as folder:
        write_mirror(corpus, fetch.simulation, params.seed, Path(folder))
        fetch_files(corpus, describe_files(Path(folder, corpus)), raw, folder)


if __name__ == "__main__":
    run(main)
