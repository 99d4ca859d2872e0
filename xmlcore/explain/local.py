"""Single documents explained by LIME, SHAP and Integrated Gradients, as pages and as data."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from xmlcore.common.distributed import map_shared
from xmlcore.common.files import write_json
from xmlcore.config.params import Explain
from xmlcore.explain.attributions import Explanation, PathAttribution, ShapValues, Surrogate
from xmlcore.explain.documents import Document
from xmlcore.explain.methods.integrated_gradients import integrated_gradients
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.pages.document_page import ig_page, lime_page, shap_page
from xmlcore.explain.pages.files import write_explanations
from xmlcore.explain.pages.token_importance import token_importance, write_importance_chart
from xmlcore.explain.tokens import ModelTokens, splitter
from xmlcore.models.predictor import Predictor

Track = Callable[..., Iterable[Any]]


class LocalExplanations:
    """What one model says of documents, written a folder a method. Several processes share the documents."""

    def __init__(self, name: str, predictor: Predictor, options: Explain, seed: int) -> None:
        """Explain by `predictor`; `name` stands on every page: the corpus, model, regime and loss."""
        self._name, self._predictor, self._options, self._seed = name, predictor, options, seed

    def write_lime(self, folder: Path, documents: Sequence[Document], track: Track) -> None:
        """Write LIME's surrogates of `documents` into the new `folder`."""

        def explain(document: Document) -> list[Surrogate]:
            return lime_surrogates(
                self._predictor.tokenize(document.text),
                self._predictor,
                document.top_labels(self._options.labels),
                samples=self._options.lime.samples,
                top_tokens=self._options.top_tokens,
                seed=[self._seed, document.index],
                batch_size=self._options.batch_size,
            )

        def page(document: Document, surrogates: Sequence[Surrogate]) -> str:
            return lime_page(self._name, document, self._tokens(document), surrogates)

        self._write(folder, documents, explain, page, track(documents, f"LIME {self._name}"))

    def write_shap(self, folder: Path, documents: Sequence[Document], sample: Sequence[Document], track: Track) -> None:
        """Write the SHAP values of `documents`, and the tokens that matter over `sample`, into the new `folder`."""
        options = self._options.shap
        split = splitter(options.tokenizer, self._predictor.tokenize)

        def explain(document: Document, labels: int, evaluations: int) -> list[ShapValues]:
            return shap_values(
                split(document.text),
                self._predictor,
                document.top_labels(labels),
                evaluations=evaluations,
                seed=self._seed,
                batch_size=self._options.batch_size,
            )

        def page(document: Document, values: Sequence[ShapValues]) -> str:
            return shap_page(self._name, document, split(document.text), values, self._options.top_tokens)

        explain_one = partial(explain, labels=self._options.labels, evaluations=options.evaluations)
        self._write(folder, documents, explain_one, page, track(documents, f"SHAP {self._name}"))
        explain_best = partial(explain, labels=1, evaluations=options.global_evaluations)
        values = chain.from_iterable(map_shared(explain_best, track(sample, f"SHAP {self._name}, global")))
        ranking = token_importance(values, options.global_tokens)
        write_json(folder / "global.json", ranking)
        write_importance_chart(folder / "global.svg", ranking)

    def write_ig(self, folder: Path, documents: Sequence[Document], track: Track) -> None:
        """Write the Integrated Gradients of `documents` into the new `folder`."""
        options = self._options.ig

        def explain(document: Document) -> list[PathAttribution]:
            return integrated_gradients(
                self._predictor.tokenize(document.text),
                self._predictor,
                document.top_labels(self._options.labels),
                baseline=options.baseline,
                steps=options.steps,
                batch_size=self._options.batch_size,
            )

        def page(document: Document, attributions: Sequence[PathAttribution]) -> str:
            return ig_page(self._name, document, self._tokens(document), attributions, self._options.top_tokens)

        self._write(folder, documents, explain, page, track(documents, f"Integrated Gradients {self._name}"))

    def _write(
        self,
        folder: Path,
        documents: Sequence[Document],
        explain: Callable[[Document], Sequence[Explanation]],
        page: Callable[..., str],
        tracked: Iterable[Document],
    ) -> None:
        found = map_shared(explain, tracked)
        folder.mkdir()
        write_explanations(folder, documents, found, page)

    def _tokens(self, document: Document) -> ModelTokens:
        return ModelTokens(self._predictor.tokenize(document.text))
