"""Measure every explainer on the same documents.

python stages/measure_explanations.py simulated-rcv1 xml_cnn clean bce

Reads explain and robustness.epsilon from params.yaml. Writes metrics/CORPUS/MODEL/REGIME/LOSS/faithfulness.json; the
weights of all words, explanations/CORPUS/MODEL/REGIME/LOSS/study/{clean,attacked}.json; and
timings/CORPUS/MODEL/REGIME/LOSS/measure_explanations.json, with the seconds that one explanation takes by each method.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Measure the explanations of CORPUS by the MODEL trained in REGIME with LOSS."""
    from statistics import fmean

    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.distributed import is_writer, map_shared
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.records import read_records
    from xmlcore.explain.documents import select_documents
    from xmlcore.explain.explainers import MEASURED
    from xmlcore.explain.study.study import Study, explanations, summary
    from xmlcore.models.registry import load_model
    from xmlcore.ranking.predictions import read_predictions

    params = load_params()
    cell = corpus, model, regime, loss
    data = load_encoded(paths.encoded(corpus, model))
    study = Study(load_model(paths.model(*cell)), data, params.explain, params.robustness.epsilon, params.seed)
    predictions = read_predictions(paths.predictions(*cell))
    records = read_records(paths.records(corpus) / "test.tsv")
    documents = select_documents(records, predictions, data.label_names, study.drawn())
    with measured() as cost:
        studied = map_shared(study.examine, track(documents, f"explainers {'/'.join(cell)}"))
    if not is_writer():
        return
    with atomic_directory(paths.explanations(*cell) / "study") as folder:
        write_json(folder / "clean.json", explanations(studied, moved=False))
        write_json(folder / "attacked.json", explanations(studied, moved=True))
    write_json(paths.metrics(*cell, "faithfulness.json"), summary(studied))
    seconds = {method: round(fmean(each.seconds[method] for each in studied), 4) for method in MEASURED}
    write_json(paths.timings(*cell) / "measure_explanations.json", cost | seconds)


if __name__ == "__main__":
    run(main)
