"""Explain the predictions of chosen test documents with Integrated Gradients.

python stages/explain_ig.py simulated-rcv1 xml_cnn clean bce

Reads explain.documents, explain.labels, explain.top_tokens and explain.ig from params.yaml; writes
explanations/CORPUS/MODEL/REGIME/LOSS/ig/: one page for each document and explanations.json.
"""

from collections.abc import Sequence

from xmlcore.common import paths
from xmlcore.common.cli import run, track
from xmlcore.common.files import atomic_directory
from xmlcore.config.params import load_params


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Write the Integrated Gradients of CORPUS for the MODEL trained in REGIME with LOSS."""
    from xmlcore.common.distributed import is_writer, map_shared
    from xmlcore.data.records import read_records
    from xmlcore.explain.attributions import PathAttribution
    from xmlcore.explain.documents import Document, select_documents
    from xmlcore.explain.methods.integrated_gradients import integrated_gradients
    from xmlcore.explain.pages.document_page import ig_page
    from xmlcore.explain.pages.files import write_explanations
    from xmlcore.explain.tokens import ModelTokens
    from xmlcore.models.predictor import load_predictor
    from xmlcore.ranking.predictions import read_predictions

    options = load_params().explain
    cell = corpus, model, regime, loss
    name = "/".join(cell)
    predictor = load_predictor(paths.model(*cell), paths.encoded(corpus, model), options.batch_size)
    predictions = read_predictions(paths.predictions(*cell))
    records = read_records(paths.records(corpus) / "test.tsv")
    documents = select_documents(records, predictions, predictor.label_names, options.documents)

    def explain(document: Document) -> list[PathAttribution]:
        return integrated_gradients(
            predictor.tokenize(document.text),
            predictor,
            document.top_labels(options.labels),
            baseline=options.ig.baseline,
            steps=options.ig.steps,
            batch_size=options.batch_size,
        )

    found = map_shared(explain, track(documents, f"Integrated Gradients {name}"))
    if not is_writer():
        return

    def page(document: Document, attributions: Sequence[PathAttribution]) -> str:
        tokens = ModelTokens(predictor.tokenize(document.text))
        return ig_page(name, document, tokens, attributions, options.top_tokens)

    with atomic_directory(paths.explanations(*cell) / "ig") as folder:
        write_explanations(folder, documents, found, page)


if __name__ == "__main__":
    run(main)
