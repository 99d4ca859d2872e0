"""Fit a linear classifier to a corpus, for comparison: `python stages/baseline.py reuters21578`.

Reads data/CORPUS/records. Writes baselines/CORPUS: predictions, ranking.json and label_bins.json, as `evaluate` does of
a network, and timing.json; where it is a member of a stack, validation, too, what one that was fitted to the training
split alone predicts; and metrics/CORPUS/linear.json, its row of the table.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Fit a linear classifier on tf-idf to all training documents of CORPUS, and evaluate it on its test documents."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from xmlcore.baselines.linear import LinearClassifier
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import LINEAR, load_params
    from xmlcore.data.dataset import Split, load_encoded
    from xmlcore.data.encoding import encode_corpus
    from xmlcore.evaluation.metrics_table import write_row
    from xmlcore.ranking.predictions import write_predictions
    from xmlcore.ranking.summary import summarise

    params = load_params()

    def fitted(split: Split) -> LinearClassifier:
        sizes = len(data.label_names), len(data.vocabulary)
        return LinearClassifier(split, *sizes, params.baseline, params.seed, track)

    with output_directory(paths.baseline(corpus)) as folder, TemporaryDirectory() as encoded:
        encode_corpus(paths.records(corpus), Path(encoded), params.encode_of(corpus), params.seed, track)
        data = load_encoded(Path(encoded), "baseline")
        with measured() as cost:
            classifier = fitted(data.train_and_validation)
        predictions = classifier.predict(data.splits["test"], params.predict.labels)
        found = {"predictions": predictions}
        if LINEAR in params.stacking.members:
            found["validation"] = fitted(data.splits["train"]).predict(data.splits["validation"], params.predict.labels)
        for name, each in found.items():
            (folder / name).mkdir()
            write_predictions(folder / name, each)
        ranking, label_bins = summarise(predictions, data, params.propensity, params.metrics.frequency_bins)
        write_json(folder / "ranking.json", ranking)
        write_json(folder / "label_bins.json", label_bins)
        write_json(folder / "timing.json", cost)
        write_row(paths.METRICS / corpus / "linear.json", ranking)


if __name__ == "__main__":
    run(main)
