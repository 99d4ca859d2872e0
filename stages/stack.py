"""Stack classifiers by weights that validation documents tell: `python stages/stack.py reuters21578`.

Reads what `train` and `evaluate`, or `baseline` where `linear` is a member, predicted in results/CORPUS. Writes
stacked/CORPUS: weights.json, predictions, ranking.json and label_bins.json, as `evaluate` does of a network, and
timing.json; and metrics/CORPUS/stacked.json, its row of the table.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Weigh stacking.members by the validation documents of CORPUS, and evaluate their mean on its test documents."""
    from xmlcore.common import paths
    from xmlcore.common.cli import console
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.propensity import label_frequencies
    from xmlcore.evaluation.metrics_table import write_row
    from xmlcore.ranking.members import read_members
    from xmlcore.ranking.predictions import write_predictions
    from xmlcore.ranking.stacking import candidates, fit, frequency_bins, weighted
    from xmlcore.ranking.summary import bin_names, summarise

    params = load_params()
    edges, stacking = params.metrics.frequency_bins, params.stacking
    data = load_encoded(paths.encoded(corpus, next(model for model, _, _ in stacking.trainings.values())))
    members = read_members(corpus, stacking, data, params.seed)
    train, validation, labels = data.splits["train"], data.splits["validation"], len(data.label_names)
    with measured() as cost:
        bins = frequency_bins(label_frequencies(train, labels=labels), edges)
        stack = fit(candidates(members.validation), members.validated, bins, len(edges) + 1)
        bins = frequency_bins(label_frequencies(train, validation, labels=labels), edges)
        predictions = weighted(candidates(members.test), stack.weights, bins, params.predict.labels)
    console.print(f"{corpus}: weighted by {stack.way}, validation nDCG@5 {stack.validated[stack.way]:.4f}")
    ranking, label_bins = summarise(predictions, data, params.propensity, edges)
    with output_directory(paths.stacked(corpus)) as folder:
        (folder / "predictions").mkdir()
        write_predictions(folder / "predictions", predictions)
        write_json(folder / "weights.json", stack.figures(stacking.members, bin_names(edges)[1:]))
        write_json(folder / "ranking.json", ranking)
        write_json(folder / "label_bins.json", label_bins)
        write_json(folder / "timing.json", cost)
        write_row(paths.METRICS / corpus / "stacked.json", ranking)


if __name__ == "__main__":
    run(main)
