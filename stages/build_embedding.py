"""Initial word vectors of a model on a corpus: `python stages/build_embedding.py reuters21578 xml_cnn`.

Reads data/CORPUS/encoded/MODEL, the recipe and, for GloVe, data/vectors; writes data/CORPUS/embeddings/MODEL: the
vectors that know the training split alone, for selection, and those that know the validation split too, for the refit;
and, for a frozen encoder, a vector of each document, which is the long part.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str) -> None:
    """Build the initial word vectors of MODEL on CORPUS: random, GloVe, learned from it or those of a checkpoint."""
    from xmlcore.common import paths
    from xmlcore.common.cli import console, track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.config.recipes import read_embedding
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.document_vectors import document_vectors, save_document_vectors
    from xmlcore.data.vector_tables import save_vectors
    from xmlcore.data.word_vectors import build_vectors

    options = read_embedding(paths.recipe(corpus, model))
    data = load_encoded(paths.encoded(corpus, model))
    params = load_params()
    built = build_vectors(data, options, paths.VECTORS, params.seed)
    with atomic_directory(paths.embedding(corpus, model)) as folder:
        save_vectors(folder, built.vectors)
        if options.layers:
            table = built.vectors.refit
            save_document_vectors(folder, document_vectors(data, table, options, choose_device(params.device), track))
    source = " and ".join(map(str, built.files)) or options.kind
    console.print(f"{corpus}: {len(data.vocabulary)} vectors, {source}, {built.coverage:.1%} of the vocabulary covered")


if __name__ == "__main__":
    run(main)
