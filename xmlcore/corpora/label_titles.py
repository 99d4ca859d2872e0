"""Titles of labels, where a corpus has some: `titles.tsv`, `id<TAB>title` a line, beside its records."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_file
from xmlcore.corpora.records import one_line, one_token
from xmlcore.corpora.text_files import numbered_lines

TITLES = "titles.tsv"
TITLES_ALONE = ("_labels.txt", "label_map.txt", "Y.txt")
SKOS = (".ttl", ".rdf", ".xml", ".nt", ".jsonld")


def read_titles(path: Path, language: str) -> dict[str, str]:
    """Return the title of each label in `path`: `id<TAB>title` a line, titles alone, or SKOS in `language`.

    Titles alone are read of files called as those of the Extreme Classification Repository, `*_labels.txt`,
    `*label_map.txt` or `Y.txt`: they are those of the labels 0, 1 and so on. The id of a SKOS concept is its address,
    and what stands behind the last / or # of it; its notation is one as well. Raises `UserError` naming file and line.
    """
    name = path.name.removesuffix(".gz").removesuffix(".bz2")
    if name.endswith(SKOS):
        pairs = _concepts(path, language)
    elif name.endswith(TITLES_ALONE) and "\t" not in next(numbered_lines(path))[1]:
        pairs = _numbered(path)
    else:
        pairs = _rows(path)
    return {one_token(label): one_line(title) for label, title in pairs if one_line(title)}


def write_titles(path: Path, titles: Mapping[str, str]) -> None:
    """Write what `load_titles` reads."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{label}\t{title}\n" for label, title in titles.items())


def load_titles(path: Path) -> dict[str, str]:
    """Return the titles that `write_titles` wrote into `path`; there may be none, and no file."""
    return dict(_rows(path)) if path.exists() and path.stat().st_size else {}


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in numbered_lines(path):
        label, tab, title = line.partition("\t")
        if not tab or not label.strip():
            raise UserError(f"{path}:{number}: not `id<TAB>title`; mend or remove the line")
        yield label.strip(), title


def _numbered(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in numbered_lines(path):
        if "\t" in line:
            raise UserError(f"{path}:{number}: `id<TAB>title`, but the first line is a title alone; mend one of them")
        yield str(number - 1), line


def _concepts(path: Path, language: str) -> Iterator[tuple[str, str]]:
    try:
        from rdflib import Graph
        from rdflib.namespace import SKOS as SKOS_NAMES
    except ImportError:
        raise UserError(f"{path}: reading SKOS needs rdflib: `pip install rdflib`, or give `id<TAB>title`") from None
    graph, content = Graph(), "\n".join(line for _, line in numbered_lines(path))
    kind = {".ttl": "turtle", ".nt": "nt", ".jsonld": "json-ld"}
    suffix = Path(path.name.removesuffix(".gz").removesuffix(".bz2")).suffix
    try:
        graph.parse(data=content, format=kind.get(suffix, "xml"))
    except Exception as error:  # its parsers raise anything
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: not SKOS as {suffix} ({reason}); mend the file") from error
    for concept, title in graph.subject_objects(SKOS_NAMES.prefLabel):
        if getattr(title, "language", None) == language:
            yield str(concept), str(title)
            yield f"<{concept}>", str(title)
            yield str(concept).replace("#", "/").rstrip("/").rpartition("/")[2], str(title)
            for notation in graph.objects(concept, SKOS_NAMES.notation):
                yield str(notation), str(title)
