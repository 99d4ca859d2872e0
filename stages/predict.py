"""Store the best labels of every test document once: `python stages/predict.py reuters21578 xml_cnn clean bce`.

Reads models/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL, writes predictions/CORPUS/MODEL/REGIME/LOSS.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.distributed import is_writer
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.models.registry import load_model
    from xmlcore.ranking.predictions import predict, write_predictions

    k = load_params().predict.labels
    classifier = load_model(paths.model(corpus, model, regime, loss))
    predictions = predict(classifier, load_encoded(paths.encoded(corpus, model)).splits["test"], k, track)
    if not is_writer():
        return
    with atomic_directory(paths.predictions(corpus, model, regime, loss)) as folder:
        write_predictions(folder, predictions)


if __name__ == "__main__":
    run(main)
