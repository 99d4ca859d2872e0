"""Split, tokenise and encode a corpus for a model: `python stages/encode.py reuters21578 xml_cnn`.

Reads data/CORPUS/records, writes data/CORPUS/encoded/MODEL and the corpus's statistics as the model reads it,
metrics/CORPUS/MODEL/corpus.json.
"""

from xmlcore.cli import run


def main(corpus: str, model: str) -> None:
    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.encoding import encode_corpus
    from xmlcore.files import atomic_directory, write_json
    from xmlcore.params import load_params

    params = load_params()
    options = params.encode_of(corpus, model)
    with atomic_directory(layout.encoded(corpus, model)) as folder:
        statistics = encode_corpus(layout.records(corpus), folder, options, params.seed, track)
    write_json(layout.metrics(corpus, model, "corpus.json"), statistics)


if __name__ == "__main__":
    run(main)
