"""The files of one method for one model: a page for each document, and all explanations as data."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from xmlcore.common.files import write_json
from xmlcore.explain.attributions import Explanation, as_objects
from xmlcore.explain.documents import Document

Kind = TypeVar("Kind", bound=Explanation)


def write_explanations(
    folder: Path,
    documents: Sequence[Document],
    explanations: Sequence[Sequence[Kind]],
    page: Callable[[Document, Sequence[Kind]], str],
) -> None:
    """Write document-XXX.html, as `page` gives it, for each document, and explanations.json, into `folder`."""
    objects: list[dict[str, Any]] = []
    for document, of_document in zip(documents, explanations, strict=True):
        (folder / f"document-{document.index:03}.html").write_text(page(document, of_document), encoding="utf-8")
        objects += as_objects(document, of_document)
    write_json(folder / "explanations.json", objects)
