"""Split, tokenise and encode a corpus: `python stages/encode.py reuters21578`.

Reads data/CORPUS/records, writes data/CORPUS/encoded and the corpus's statistics, metrics/CORPUS/corpus.json.
"""

from xmlcore.cli import run


def main(corpus: str) -> None:
    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.encoding import encode_corpus
    from xmlcore.files import atomic_directory, write_json
    from xmlcore.params import load_params

    params = load_params()
    options = params.encode_of(corpus)
    with atomic_directory(layout.encoded(corpus)) as folder:
        statistics = encode_corpus(layout.records(corpus), folder, options, params.seed, track)
    write_json(layout.metrics(corpus, "corpus.json"), statistics)


if __name__ == "__main__":
    run(main)
