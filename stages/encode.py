"""Split, tokenise and encode a corpus for a model: `python stages/encode.py reuters21578 xml_cnn`.

Reads data/CORPUS/records, writes data/CORPUS/encoded/MODEL and the corpus's statistics as the model reads it,
metrics/CORPUS/MODEL/corpus.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str) -> None:
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import encode_corpus

    params = load_params()
    options = params.encode_of(corpus, model)
    with atomic_directory(paths.encoded(corpus, model)) as folder:
        statistics = encode_corpus(paths.records(corpus), folder, options, params.seed, track)
    write_json(paths.metrics(corpus, model, "corpus.json"), statistics)


if __name__ == "__main__":
    run(main)
