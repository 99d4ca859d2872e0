"""Explain predictions with SHAP: chosen test documents one by one, and the tokens that matter over many.

python stages/explain_shap.py simulated-rcv1 xml_cnn clean

Reads explain.documents, explain.labels, explain.top_tokens and explain.shap from params.yaml; writes
explanations/CORPUS/MODEL/REGIME/shap/: one page for each document, explanations.json, global.json and global.svg.
"""

from xmlcore import layout
from xmlcore.cli import run, track
from xmlcore.files import atomic_directory, write_json
from xmlcore.params import load_params


def main(corpus: str, model: str, regime: str) -> None:
    """Write the SHAP explanations of CORPUS for the MODEL trained in REGIME."""
    from xmlcore.corpora.records import read_records
    from xmlcore.explain.attributions import as_objects
    from xmlcore.explain.documents import select_documents
    from xmlcore.explain.importance import token_importance, write_importance_chart
    from xmlcore.explain.pages import shap_page
    from xmlcore.explain.shap import shap_values
    from xmlcore.explain.tokens import splitter
    from xmlcore.predictions import read_predictions
    from xmlcore.predictor import load_predictor

    params = load_params()
    options = params.explain
    name = f"{corpus}/{model}/{regime}"
    predictor = load_predictor(layout.model(corpus, model, regime), layout.encoded(corpus), options.batch_size)
    predictions = read_predictions(layout.predictions(corpus, model, regime))
    test = layout.records(corpus) / "test.tsv"
    local = select_documents(read_records(test), predictions, predictor.label_names, options.documents)
    first = range(min(options.shap.global_documents, len(predictions.labels)))
    sample = select_documents(read_records(test), predictions, predictor.label_names, first)
    common = {"seed": params.seed, "batch_size": options.batch_size}
    split = splitter(options.shap.tokenizer, predictor.tokenize)

    objects, importance = [], []
    with atomic_directory(layout.explanations(corpus, model, regime) / "shap") as folder:
        for document in track(local, f"SHAP {name}"):
            tokens, labels = split(document.text), document.top_labels(options.labels)
            values = shap_values(tokens, predictor, labels, evaluations=options.shap.evaluations, **common)
            page = shap_page(name, document, tokens, values, options.top_tokens)
            (folder / f"document-{document.index:03}.html").write_text(page, encoding="utf-8")
            objects += as_objects(document, values)
        write_json(folder / "explanations.json", objects)

        evaluations = options.shap.global_evaluations
        for document in track(sample, f"SHAP {name}, global"):
            tokens, labels = split(document.text), document.top_labels(1)
            importance += shap_values(tokens, predictor, labels, evaluations=evaluations, **common)
        ranking = token_importance(importance, options.shap.global_tokens)
        write_json(folder / "global.json", ranking)
        write_importance_chart(folder / "global.svg", ranking)


if __name__ == "__main__":
    run(main)
