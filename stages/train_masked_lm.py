"""Train a small BERT on a corpus's own language: `python stages/train_masked_lm.py reuters21578`.

Reads data/CORPUS/words, writes data/CORPUS/masked_lm, a checkpoint in the files of transformers, and
metrics/CORPUS/masked_lm.json: the loss of the last epoch, how many masked words of test documents it guesses, and how
many documents and words it learned from.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Train a masked language model on the training documents of CORPUS."""
    from xmlcore.attacks.words.language_model import masked_accuracy, train_masked_lm, write_masked_lm
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded

    params = load_params()
    data = load_encoded(paths.words(corpus) / "encoded", "encode_words")
    documents = data.train_and_validation
    model, loss = train_masked_lm(documents, data.vocabulary, params.masked_lm, params.seed, track)
    accuracy = masked_accuracy(model, data.splits["test"], len(data.vocabulary), params.masked_lm, params.seed)
    with atomic_directory(paths.masked_lm(corpus)) as folder:
        write_masked_lm(model, data, folder)
    sizes = {"documents": len(documents), "words": len(documents.tokens)}
    write_json(paths.metrics(corpus, "masked_lm.json"), {"loss": loss, "masked_accuracy": accuracy} | sizes)


if __name__ == "__main__":
    run(main)
