"""Store the best labels of every test document once: `python stages/predict.py reuters21578 xml_cnn clean bce`.

Reads models/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL, writes predictions/CORPUS/MODEL/REGIME/LOSS.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.distributed import is_writer
    from xmlcore.encoding import load_encoded
    from xmlcore.files import atomic_directory
    from xmlcore.models.storage import load_model
    from xmlcore.params import load_params
    from xmlcore.predictions import predict, write_predictions

    k = load_params().predict.labels
    classifier = load_model(layout.model(corpus, model, regime, loss))
    predictions = predict(classifier, load_encoded(layout.encoded(corpus, model)).splits["test"], k, track)
    if not is_writer():
        return
    with atomic_directory(layout.predictions(corpus, model, regime, loss)) as folder:
        write_predictions(folder, predictions)


if __name__ == "__main__":
    run(main)
