"""The page of an explained text, as the pipeline draws those of test documents."""

from collections.abc import Sequence
from typing import cast

from xmlcore.explain.attributions import PathAttribution, ShapValues, Surrogate
from xmlcore.explain.documents import Document, Prediction
from xmlcore.explain.pages.document_page import ig_page, lime_page, shap_page
from xmlcore.explain.tokens import ModelTokens
from xmlcore.serving.text_classifier import TextClassifier, Words


def explanation_page(name: str, doc_id: str, text: str, found: Sequence[Words], classifier: TextClassifier) -> str:
    """Return HTML of the explanations `found` of one text; `name` is that of the model."""
    predictions = [Prediction(each.details.label, each.label.title, each.label.probability) for each in found]
    document = Document(0, doc_id, text, (), tuple(predictions))
    tokens = ModelTokens(classifier.tokens(text))
    details, shown = [each.details for each in found], max(len(each.weights) for each in found)
    if found[0].method == "lime":
        return lime_page(name, document, tokens, cast(Sequence[Surrogate], details))
    if found[0].method == "shap":
        return shap_page(name, document, tokens, cast(Sequence[ShapValues], details), shown)
    return ig_page(name, document, tokens, cast(Sequence[PathAttribution], details), shown)
