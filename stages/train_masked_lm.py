"""Train a small BERT on a corpus's own language: `python stages/train_masked_lm.py reuters21578`.

Reads data/CORPUS/words, writes data/CORPUS/masked_lm, a checkpoint in the files of transformers, and
metrics/CORPUS/masked_lm.json: the loss of the last epoch, and how many masked words of test documents it guesses.
"""

from xmlcore.cli import run


def main(corpus: str) -> None:
    """Train a masked language model on the training documents of CORPUS."""
    from transformers import logging

    from xmlcore import layout
    from xmlcore.attacks.words.language import training_documents
    from xmlcore.cli import track
    from xmlcore.encoding import load_encoded
    from xmlcore.files import atomic_directory, write_json
    from xmlcore.masked_lm import masked_accuracy, train_masked_lm, write_masked_lm
    from xmlcore.params import load_params

    logging.disable_progress_bar()
    params = load_params()
    data = load_encoded(layout.words(corpus) / "encoded")
    model, loss = train_masked_lm(training_documents(data), data.vocabulary, params.masked_lm, params.seed, track)
    accuracy = masked_accuracy(model, data.splits["test"], len(data.vocabulary), params.masked_lm, params.seed)
    with atomic_directory(layout.masked_lm(corpus)) as folder:
        write_masked_lm(model, data.vocabulary, folder)
    write_json(layout.metrics(corpus, "masked_lm.json"), {"loss": loss, "masked_accuracy": accuracy})


if __name__ == "__main__":
    run(main)
