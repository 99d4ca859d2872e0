"""Explain a model's predictions: `python stages/explain.py simulated-rcv1 xml_cnn clean bce`.

Reads `explain` of params.yaml, the model, the texts and its predictions. Writes, in
results/CORPUS/MODEL/REGIME/LOSS/explain: lime, shap and, of a model with embeddings, ig (a page for each document, and
explanations.json; for SHAP also the tokens that matter over many documents, global.json and global.svg); where
`explain.study.models` lists the model, study (clean.json and attacked.json, the weights of all words; faithfulness.json
and stability.json, how far the explanations can be believed); and timing.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Explain the MODEL of CORPUS trained in REGIME with LOSS."""
    from collections.abc import Iterable

    from xmlcore.common import paths
    from xmlcore.common.cli import console, track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.corpora.records import read_records
    from xmlcore.data.dataset import load_encoded
    from xmlcore.explain.documents import Document, select_documents
    from xmlcore.explain.local import LocalExplanations
    from xmlcore.explain.study.study import Study, seconds_of_methods, write_study
    from xmlcore.models.base import with_embeddings
    from xmlcore.models.predictor import Predictor
    from xmlcore.models.registry import load_token_classifier
    from xmlcore.ranking.predictions import read_predictions

    params, cell = load_params(), (corpus, model, regime, loss)
    options = params.explain
    data = load_encoded(paths.encoded(corpus, model))
    classifier = load_token_classifier(paths.trained(*cell), choose_device(params.device))
    predictor = Predictor(classifier, data, options.batch_size)
    predictions = read_predictions(paths.predictions(*cell))

    def documents(indices: Iterable[int]) -> list[Document]:
        records = read_records(paths.records(corpus) / "test.tsv")
        return select_documents(records, predictions, data, indices)

    local = LocalExplanations("/".join(cell), predictor, options, params.seed)
    chosen = documents(options.documents)
    with output_directory(paths.results(*cell, "explain")) as results:
        with measured() as cost:
            local.write_lime(results / "lime", chosen, track)
            first = range(min(options.shap.global_documents, len(predictions.labels)))
            local.write_shap(results / "shap", chosen, documents(first), track)
            if predictor.has_embeddings:
                local.write_ig(results / "ig", chosen, track)
            else:
                console.print(f"Integrated Gradients do not apply: {model} has no embeddings")
            studied = []
            if model in options.study.models:
                network = with_embeddings(classifier, "explain.study")
                study = Study(network, data, options, params.robustness.epsilon, params.seed)
                studied = study.run(documents(study.drawn()), track)
                if studied:
                    write_study(results / "study", studied)
                else:
                    console.print("explain.study does not apply: no test document has two words")
        write_json(results / "timing.json", cost | seconds_of_methods(studied))


if __name__ == "__main__":
    run(main)
