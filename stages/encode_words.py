"""What word attacks know of a corpus's language: `python stages/encode_words.py reuters21578`.

Reads data/CORPUS/records, writes data/CORPUS/words: the documents as words, how rare each word is, and its vector.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Write the words of CORPUS, their rarity and their vectors."""
    from xmlcore.attacks.words.language import write_language
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params

    params = load_params()
    with atomic_directory(paths.words(corpus)) as folder:
        write_language(paths.records(corpus), folder, params.encode_of(corpus), params.seed, track)


if __name__ == "__main__":
    run(main)
