"""Split, tokenise and encode a corpus for a model: `python stages/encode.py reuters21578 xml_cnn`.

Reads data/CORPUS/records and the recipe; writes data/CORPUS/encoded/MODEL: vocabulary, labels and three splits of
memory-mapped token ids.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str) -> None:
    """Encode CORPUS as MODEL reads it."""
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.config.recipes import read_encode
    from xmlcore.data.encoding import encode_corpus

    with atomic_directory(paths.encoded(corpus, model)) as folder:
        options = read_encode(paths.recipe(corpus, model))
        encode_corpus(paths.records(corpus), folder, options, load_params().seed, track)


if __name__ == "__main__":
    run(main)
