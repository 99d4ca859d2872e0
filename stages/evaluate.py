"""Evaluate a model, clean and under FGSM for every epsilon: `python stages/evaluate.py reuters21578 xml_cnn clean bce`.

Reads trained/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes models/CORPUS/MODEL/REGIME/LOSS, the folder
that people take away, with its card; one file for each epsilon,
metrics/CORPUS/MODEL/REGIME/LOSS/eps=0.10.json, the model wearing its regime's defence against an attacker who knows of
it; and, in results/CORPUS/MODEL/REGIME/LOSS/evaluate: predictions (the best labels of every test document),
ranking.json and label_bins.json (every ranking metric, of all labels and by label frequency), fgsm.json (the curve),
squeezing.json (the ablation of feature squeezing), calibration.json (probabilities and thresholds), corpus.json (the
sizes of the corpus) and timing.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Evaluate the MODEL of CORPUS trained in REGIME with LOSS."""
    from xmlcore.attacks.embeddings.fgsm import epsilon_of_size, relative_size
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.config.recipes import read_architecture, read_training
    from xmlcore.corpora.about import read_about
    from xmlcore.data.dataset import load_encoded, statistics
    from xmlcore.evaluation.fgsm_sweep import Attacked, Setting, fgsm_sweep, squeezing_settings
    from xmlcore.evaluation.metrics_table import write_metrics
    from xmlcore.models.registry import load_model
    from xmlcore.ranking.calibration import calibrate, calibration_figures
    from xmlcore.ranking.predictions import BATCH_SIZE, predict, read_predictions, write_predictions
    from xmlcore.ranking.summary import summarise
    from xmlcore.serving.model_card import Facts, model_card, network_training
    from xmlcore.serving.model_folder import Defence, write_model_folder

    params, cell = load_params(), (corpus, model, regime, loss)
    data = load_encoded(paths.encoded(corpus, model))
    classifier = load_model(paths.trained(*cell), choose_device(params.device))
    test, dimension = data.splits["test"], classifier.embedding_table.shape[1]
    defended = Setting(params.regime_of(regime).squeeze, "aware")
    training = read_training(paths.recipe(corpus, model))
    at_once = training.at_once(BATCH_SIZE)

    def sweep(epsilons: list[float], settings: list[Setting]) -> list[Attacked]:
        return fgsm_sweep(
            model=classifier,
            split=test,
            epsilons=epsilons,
            settings=settings,
            bits=params.fgsm.bits,
            track=track,
            batch_size=at_once,
        )

    with (
        output_directory(paths.results(*cell, "evaluate")) as results,
        output_directory(paths.metrics(*cell)) as metrics,
        output_directory(paths.model(*cell)) as folder,
    ):
        validated = read_predictions(paths.results(*cell, "train") / "validation", "train")
        labels, sizes_of_corpus = len(data.label_names), statistics(data)
        with measured() as cost:
            predictions = predict(classifier, test, params.predict.labels, track, at_once)
            swept = sweep(params.fgsm.epsilons, squeezing_settings(defended))
            sizes = [epsilon_of_size(size, dimension) for size in params.fgsm.relative_sizes]
            of_size = sweep(sizes, [defended]) if sizes else []
            calibration = calibrate(validated, data.splits["validation"], labels, params.predict.precisions)
            calibrated = calibration_figures(predictions, test, labels, calibration)
        (results / "predictions").mkdir()
        write_predictions(results / "predictions", predictions)
        ranking, label_bins = summarise(predictions, data, params.propensity, params.metrics.frequency_bins)
        curve, by_size = (
            [
                {"epsilon": each.epsilon, "relative_size": relative_size(each.epsilon, dimension)} | each.metrics
                for each in found
                if each.setting == defended
            ]
            for found in (swept, of_size)
        )
        write_json(results / "ranking.json", ranking)
        write_json(results / "label_bins.json", label_bins)
        write_json(results / "fgsm.json", curve)
        write_json(results / "relative_sizes.json", by_size)
        write_json(results / "squeezing.json", [each.row() for each in swept])
        write_json(results / "calibration.json", calibrated)
        write_json(results / "corpus.json", sizes_of_corpus)
        write_json(results / "timing.json", cost)
        write_metrics(metrics, curve)
        about, defence = read_about(paths.records(corpus)), params.regime_of(regime)
        facts = Facts(
            cell=cell,
            architecture=read_architecture(paths.recipe(corpus, model))[0],
            language=about.language,
            license=about.license,
            split="test",
            corpus=sizes_of_corpus,
            how=network_training(training, defence, sizes_of_corpus["validation_documents"]),
            curve=curve,
            calibration=calibrated,
        )
        wears = Defence(squeeze=defence.squeeze, bits=params.fgsm.bits)
        write_model_folder(folder, paths.trained(*cell), data, calibration, wears, model_card(facts))


if __name__ == "__main__":
    run(main)
