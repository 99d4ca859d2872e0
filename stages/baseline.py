"""Fit a linear classifier to a corpus, for comparison: `python stages/baseline.py reuters21578`.

Reads data/CORPUS/records. Its cell, CELL, is CORPUS/linear/clean/squared_hinge. Writes data/CORPUS/encoded/linear;
trained/CELL and models/CELL, as `train` and `evaluate` do of a network; in results/CELL/train timing.json and
validation, what one that was fitted to the training split alone predicts; in results/CELL/evaluate predictions,
ranking.json, label_bins.json, calibration.json, corpus.json and timing.json; and metrics/CORPUS/linear.json, its row
of the table, one alone: it has no embeddings that could be attacked.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Fit a linear classifier on tf-idf to all training documents of CORPUS, and evaluate it on its test documents."""
    from xmlcore.baselines.linear import fit_linear
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.corpora.about import read_about
    from xmlcore.data.dataset import Split, load_encoded, statistics
    from xmlcore.data.encoding import encode_corpus
    from xmlcore.evaluation.metrics_table import write_row
    from xmlcore.models.linear import LinearClassifier
    from xmlcore.ranking.calibration import calibrate, calibration_figures
    from xmlcore.ranking.predictions import predict, write_predictions
    from xmlcore.ranking.summary import summarise
    from xmlcore.serving.model_card import Facts, linear_training, model_card
    from xmlcore.serving.model_folder import Defence, write_model_folder

    params, cell = load_params(), (corpus, *paths.LINEAR)
    encoded = paths.encoded(*cell[:2])
    with output_directory(encoded) as folder:
        encode_corpus(paths.records(corpus), folder, params.encode_of(corpus), params.seed, track)
    data = load_encoded(encoded, "baseline")
    labels, stored = len(data.label_names), params.predict.labels
    validation, test = data.splits["validation"], data.splits["test"]

    def fit(split: Split) -> LinearClassifier:
        return fit_linear(split, labels, len(data.vocabulary), params.baseline, params.seed, track)

    with (
        output_directory(paths.results(*cell, "train")) as training,
        output_directory(paths.results(*cell, "evaluate")) as results,
        output_directory(paths.trained(*cell)) as trained,
        output_directory(paths.model(*cell)) as model,
    ):
        with measured() as cost:
            classifier = fit(data.train_and_validation)
        write_json(training / "timing.json", cost)
        classifier.save(trained)
        with measured() as cost:
            predictions = predict(classifier, test, stored, track)
            validated = predict(fit(data.splits["train"]), validation, stored, track)
            calibration = calibrate(validated, validation, labels, params.predict.precisions)
            calibrated = calibration_figures(predictions, test, labels, calibration)
        for folder, each in ((training / "validation", validated), (results / "predictions", predictions)):
            folder.mkdir()
            write_predictions(folder, each)
        ranking, label_bins = summarise(predictions, data, params.propensity, params.metrics.frequency_bins)
        sizes = statistics(data)
        write_json(results / "ranking.json", ranking)
        write_json(results / "label_bins.json", label_bins)
        write_json(results / "calibration.json", calibrated)
        write_json(results / "corpus.json", sizes)
        write_json(results / "timing.json", cost)
        write_row(paths.METRICS / corpus / "linear.json", ranking)
        about = read_about(paths.records(corpus))
        facts = Facts(
            cell=cell,
            architecture="linear",
            language=about.language,
            license=about.license,
            split="test",
            corpus=sizes,
            how=linear_training(params.baseline, labels, len(validation)),
            curve=[{"epsilon": 0.0} | ranking],
            calibration=calibrated,
        )
        write_model_folder(model, trained, data, calibration, Defence(), model_card(facts))


if __name__ == "__main__":
    run(main)
