from dataclasses import replace

import pytest
from parsed_page import ELEMENTS, HOSTILE, Page

from xmlcore.explain.documents import Prediction
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.pages.document_page import lime_page, shap_page
from xmlcore.explain.tokens import ModelTokens


def lime(document, tokens, scorer):
    surrogates = lime_surrogates(
        tokens, scorer, document.top_labels(3), samples=50, top_tokens=5, seed=[0], batch_size=16
    )
    return lime_page("corpus/model/clean", document, ModelTokens(tokens), surrogates)


def shap(document, tokens, scorer):
    values = shap_values(ModelTokens(tokens), scorer, document.top_labels(3), evaluations=50, seed=0, batch_size=16)
    return shap_page("corpus/model/clean", document, ModelTokens(tokens), values, 5)


both = pytest.mark.parametrize("explain", [lime, shap])


@both
def test_hostile_text_is_inert(explain, document, scorer):
    hostile = replace(
        document,
        doc_id=HOSTILE[0],
        true_labels=tuple(HOSTILE),
        predictions=tuple(Prediction(label, name, 0.5) for label, name in enumerate(HOSTILE[:3])),
    )
    html = explain(hostile, [*HOSTILE, "profit"], scorer)
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "\x00" not in html and "\u202e" not in html
    assert all(word in page.text for word in HOSTILE[:7])
    assert "nul\ufffdnul" in page.text


@both
def test_page_says_what_was_predicted_and_why(explain, document, scorer):
    page = Page(explain(document, ["profit", "and", "share", "rain"], scorer))
    for words in ("n7", "C15", "GWEA", "corpus/model/clean", "document 7", "profit", "0.8000"):
        assert words in page.text


def test_lime_page_shows_fidelity(document, scorer):
    assert "R² (local fidelity)" in Page(lime(document, ["profit", "rain"], scorer)).text


def test_shap_page_sums_the_occurrences_of_a_token(document, scorer):
    page = Page(shap(document, ["profit", "and", "profit"], scorer))
    assert "+0.4000" in page.text


@both
def test_document_without_tokens_says_so(explain, document, scorer):
    assert "no token" in Page(explain(document, [], scorer)).text
