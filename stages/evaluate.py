"""Evaluate a model, clean and under FGSM for every epsilon: `python stages/evaluate.py reuters21578 xml_cnn clean bce`.

Reads models/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes one file for each epsilon,
metrics/CORPUS/MODEL/REGIME/LOSS/eps=0.10.json, the model wearing its regime's defence against an attacker who knows of
it; and, in results/CORPUS/MODEL/REGIME/LOSS/evaluate: predictions (the best labels of every test document),
ranking.json and label_bins.json (every ranking metric, of all labels and by label frequency), fgsm.json (the curve),
squeezing.json (the ablation of feature squeezing), corpus.json (the sizes of the corpus) and timing.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Evaluate the MODEL of CORPUS trained in REGIME with LOSS."""
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded, statistics
    from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep, squeezing_settings
    from xmlcore.evaluation.metrics_table import write_metrics
    from xmlcore.models.registry import load_model
    from xmlcore.ranking.predictions import predict, write_predictions
    from xmlcore.ranking.summary import summarise

    params, cell = load_params(), (corpus, model, regime, loss)
    data, classifier = load_encoded(paths.encoded(corpus, model)), load_model(paths.model(*cell))
    test = data.splits["test"]
    defended = Setting(params.regime_of(regime).squeeze, "aware")
    with (
        output_directory(paths.results(*cell, "evaluate")) as results,
        output_directory(paths.metrics(*cell)) as metrics,
    ):
        with measured() as cost:
            predictions = predict(classifier, test, params.predict.labels, track)
            swept = fgsm_sweep(
                model=classifier,
                split=test,
                epsilons=params.fgsm.epsilons,
                settings=squeezing_settings(defended),
                bits=params.fgsm.bits,
                perturb_padding_to=data.max_tokens if params.fgsm.perturb_padding else None,
                track=track,
            )
        (results / "predictions").mkdir()
        write_predictions(results / "predictions", predictions)
        ranking, label_bins = summarise(predictions, data, params.propensity, params.metrics.frequency_bins)
        curve = [{"epsilon": each.epsilon} | each.metrics for each in swept if each.setting == defended]
        write_json(results / "ranking.json", ranking)
        write_json(results / "label_bins.json", label_bins)
        write_json(results / "fgsm.json", curve)
        write_json(results / "squeezing.json", [each.row() for each in swept])
        write_json(results / "corpus.json", statistics(data))
        write_json(results / "timing.json", cost)
        write_metrics(metrics, curve)


if __name__ == "__main__":
    run(main)
