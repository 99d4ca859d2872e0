"""Explain predictions with SHAP: chosen test documents one by one, and the tokens that matter over many.

python stages/explain_shap.py simulated-rcv1 xml_cnn clean bce

Reads explain.documents, explain.labels, explain.top_tokens and explain.shap from params.yaml; writes
explanations/CORPUS/MODEL/REGIME/LOSS/shap/: one page for each document, explanations.json, global.json, global.svg.
"""

from collections.abc import Sequence
from functools import partial
from itertools import chain

from xmlcore.common import paths
from xmlcore.common.cli import run, track
from xmlcore.common.files import atomic_directory, write_json
from xmlcore.config.params import load_params


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Write the SHAP explanations of CORPUS for the MODEL trained in REGIME with LOSS."""
    from xmlcore.common.distributed import is_writer, map_shared
    from xmlcore.data.records import read_records
    from xmlcore.explain.attributions import ShapValues
    from xmlcore.explain.documents import Document, select_documents
    from xmlcore.explain.methods.shap import shap_values
    from xmlcore.explain.pages.document_page import shap_page
    from xmlcore.explain.pages.files import write_explanations
    from xmlcore.explain.pages.token_importance import token_importance, write_importance_chart
    from xmlcore.explain.tokens import splitter
    from xmlcore.models.predictor import load_predictor
    from xmlcore.ranking.predictions import read_predictions

    params = load_params()
    options = params.explain
    cell = corpus, model, regime, loss
    name = "/".join(cell)
    predictor = load_predictor(paths.model(*cell), paths.encoded(corpus, model), options.batch_size)
    predictions = read_predictions(paths.predictions(*cell))
    test = paths.records(corpus) / "test.tsv"
    local = select_documents(read_records(test), predictions, predictor.label_names, options.documents)
    first = range(min(options.shap.global_documents, len(predictions.labels)))
    sample = select_documents(read_records(test), predictions, predictor.label_names, first)
    split = splitter(options.shap.tokenizer, predictor.tokenize)

    def explain(document: Document, labels: int, evaluations: int) -> list[ShapValues]:
        return shap_values(
            split(document.text),
            predictor,
            document.top_labels(labels),
            evaluations=evaluations,
            seed=params.seed,
            batch_size=options.batch_size,
        )

    explain_one = partial(explain, labels=options.labels, evaluations=options.shap.evaluations)
    found = map_shared(explain_one, track(local, f"SHAP {name}"))
    explain_best = partial(explain, labels=1, evaluations=options.shap.global_evaluations)
    importance = chain.from_iterable(map_shared(explain_best, track(sample, f"SHAP {name}, global")))
    if not is_writer():
        return

    def page(document: Document, values: Sequence[ShapValues]) -> str:
        return shap_page(name, document, split(document.text), values, options.top_tokens)

    with atomic_directory(paths.explanations(*cell) / "shap") as folder:
        write_explanations(folder, local, found, page)
        ranking = token_importance(importance, options.shap.global_tokens)
        write_json(folder / "global.json", ranking)
        write_importance_chart(folder / "global.svg", ranking)


if __name__ == "__main__":
    run(main)
