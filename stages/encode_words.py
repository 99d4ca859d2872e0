"""What word attacks know of a corpus's language: `python stages/encode_words.py reuters21578`.

Reads data/CORPUS/records, writes data/CORPUS/words: the documents as words, how rare each word is, and its vector.
"""

from xmlcore.cli import run


def main(corpus: str) -> None:
    """Write the words of CORPUS, their rarity and their vectors."""
    from xmlcore import layout
    from xmlcore.attacks.words.language import write_language
    from xmlcore.cli import track
    from xmlcore.files import atomic_directory
    from xmlcore.params import load_params

    params = load_params()
    with atomic_directory(layout.words(corpus)) as folder:
        write_language(layout.records(corpus), folder, params.encode_of(corpus), params.seed, track)


if __name__ == "__main__":
    run(main)
