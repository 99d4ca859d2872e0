"""Learn what word attacks know of a corpus's language: `python stages/learn_language.py reuters21578`.

Reads data/CORPUS/records. Writes data/CORPUS/language: words (the documents as words, how rare each is, and its
vector), masked_lm (a small BERT trained on them, a checkpoint in the files of transformers) and masked_lm.json (the
loss of its last epoch, how many masked words of test documents it guesses, how much it learned from). While it trains,
.journals/learn_language has where it is: what was killed goes on from there.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Write the words of CORPUS, their rarity and vectors, and a masked language model of its training documents."""
    from xmlcore.attacks.words.language import write_language
    from xmlcore.attacks.words.language_model import masked_accuracy, train_masked_lm, write_masked_lm
    from xmlcore.common import paths
    from xmlcore.common.checkpoints import Checkpoint, surroundings
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.journal import fingerprint
    from xmlcore.common.source_code import PACKAGE
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded

    params = load_params()
    device = choose_device(params.device)
    with atomic_directory(paths.language(corpus)) as folder:
        words, checkpoint = folder / "words", folder / "masked_lm"
        words.mkdir()
        checkpoint.mkdir()
        write_language(paths.records(corpus), words, params.encode_of(corpus), params.seed, track)
        data = load_encoded(words / "encoded", "learn_language")
        documents = data.train_and_validation
        mark = fingerprint([words, PACKAGE], params.masked_lm.model_dump(), params.seed, device.type, surroundings())
        stored = Checkpoint(paths.training_language(corpus), mark)
        model, loss = train_masked_lm(documents, data.vocabulary, params.masked_lm, params.seed, track, stored, device)
        write_masked_lm(model, data, checkpoint)
        accuracy = masked_accuracy(model, data.splits["test"], len(data.vocabulary), params.masked_lm, params.seed)
        sizes = {"documents": len(documents), "words": len(documents.tokens)}
        write_json(folder / "masked_lm.json", {"loss": loss, "masked_accuracy": accuracy} | sizes)
    stored.remove()


if __name__ == "__main__":
    run(main)
