"""Every ranking metric of the stored predictions: `python stages/evaluate_ranking.py reuters21578 xml_cnn clean bce`.

Reads predictions/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes metrics/CORPUS/MODEL/REGIME/LOSS/
ranking.json, and the same by label frequency in training and validation together, the published training documents,
plots/CORPUS/MODEL/REGIME/LOSS/label_bins.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    import numpy as np

    from xmlcore.common import paths
    from xmlcore.common.files import write_json
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.propensity import label_frequencies, propensities
    from xmlcore.ranking.predictions import predictions_of
    from xmlcore.ranking.summary import label_bins, ranking_report

    params = load_params()
    data = load_encoded(paths.encoded(corpus, model))
    predictions = predictions_of(data, paths.predictions(corpus, model, regime, loss))
    train, validation, test = (data.splits[name] for name in ("train", "validation", "test"))
    frequencies = np.append(label_frequencies(train, validation, labels=len(data.label_names)), 0)  # 0: UNSEEN_LABEL
    chances = propensities(frequencies, len(train) + len(validation), params.propensity.a, params.propensity.b)
    write_json(paths.metrics(corpus, model, regime, loss, "ranking.json"), ranking_report(predictions, test, chances))
    bins = label_bins(predictions, test, frequencies, chances, params.metrics.frequency_bins)
    write_json(paths.plots(corpus, model, regime, loss) / "label_bins.json", bins)


if __name__ == "__main__":
    run(main)
