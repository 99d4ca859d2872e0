"""Explain the predictions of chosen test documents with LIME.

python stages/explain_lime.py simulated-rcv1 xml_cnn clean bce

Reads explain.documents, explain.labels, explain.top_tokens and explain.lime from params.yaml; writes
explanations/CORPUS/MODEL/REGIME/LOSS/lime/: one page for each document and explanations.json.
"""

from collections.abc import Sequence

from xmlcore.common import paths
from xmlcore.common.cli import run, track
from xmlcore.common.files import atomic_directory
from xmlcore.config.params import load_params


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Write the LIME explanations of CORPUS for the MODEL trained in REGIME with LOSS."""
    from xmlcore.common.distributed import is_writer, map_shared
    from xmlcore.data.records import read_records
    from xmlcore.explain.attributions import Surrogate
    from xmlcore.explain.documents import Document, select_documents
    from xmlcore.explain.methods.lime import lime_surrogates
    from xmlcore.explain.pages.document_page import lime_page
    from xmlcore.explain.pages.files import write_explanations
    from xmlcore.explain.tokens import ModelTokens
    from xmlcore.models.predictor import load_predictor
    from xmlcore.ranking.predictions import read_predictions

    params = load_params()
    options = params.explain
    cell = corpus, model, regime, loss
    name = "/".join(cell)
    predictor = load_predictor(paths.model(*cell), paths.encoded(corpus, model), options.batch_size)
    predictions = read_predictions(paths.predictions(*cell))
    records = read_records(paths.records(corpus) / "test.tsv")
    documents = select_documents(records, predictions, predictor.label_names, options.documents)

    def explain(document: Document) -> list[Surrogate]:
        return lime_surrogates(
            predictor.tokenize(document.text),
            predictor,
            document.top_labels(options.labels),
            samples=options.lime.samples,
            top_tokens=options.top_tokens,
            seed=[params.seed, document.index],
            batch_size=options.batch_size,
        )

    found = map_shared(explain, track(documents, f"LIME {name}"))
    if not is_writer():
        return

    def page(document: Document, surrogates: Sequence[Surrogate]) -> str:
        return lime_page(name, document, ModelTokens(predictor.tokenize(document.text)), surrogates)

    with atomic_directory(paths.explanations(*cell) / "lime") as folder:
        write_explanations(folder, documents, found, page)


if __name__ == "__main__":
    run(main)
