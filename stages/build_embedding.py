"""Initial word vectors of a corpus for a model: `python stages/build_embedding.py reuters21578 xml_cnn`.

Reads data/CORPUS/encoded/MODEL (and data/vectors for GloVe), writes data/CORPUS/embeddings/MODEL: the vectors
that know the training split alone, for selection, and those that know the validation split too, for the refit.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str) -> None:
    from xmlcore.common import paths
    from xmlcore.common.cli import console
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.word_vectors import build_vectors, save_vectors

    params = load_params()
    options = params.model_of(corpus, model).embedding
    vectors, coverage = build_vectors(load_encoded(paths.encoded(corpus, model)), options, paths.VECTORS, params.seed)
    with atomic_directory(paths.embedding(corpus, model)) as folder:
        save_vectors(folder, vectors)
    console.print(f"{corpus}: {len(vectors.refit)} vectors, {options.kind}, {coverage:.1%} of the vocabulary covered")


if __name__ == "__main__":
    run(main)
