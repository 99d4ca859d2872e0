"""The command `xmlcore`: a trained model on texts of one's own.

Whatever takes long to import is imported where it is needed, so that `xmlcore --help` is there at once.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from xmlcore.common.allocator import keep_freed_memory
from xmlcore.common.cli import console, describe, fail, track
from xmlcore.common.errors import UserError
from xmlcore.common.printable import printable
from xmlcore.serving.choices import Goal, Method, Substitutes

if TYPE_CHECKING:
    from xmlcore.corpora.user_texts import Columns, Given
    from xmlcore.serving.text_classifier import Label, TextClassifier, Words

app = typer.Typer(
    help="Labels for a text, why, and which words an attacker would change, by a model that was trained here.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


Output = Literal["table", "jsonl", "csv"]
OnError = Literal["stop", "skip"]

Folder = Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder: models/CORPUS/MODEL/REGIME/LOSS.")]
Text = Annotated[str | None, typer.Argument(metavar="[TEXT]", help="A text; without one, --file or standard input.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", help="Texts: .txt (one a line), .jsonl, .csv, .tsv, .parquet, .arrow; - is standard input."
    ),
]
TextColumn = Annotated[str, typer.Option(help="The field of the text.")]
LabelsColumn = Annotated[str, typer.Option(help="The field of the labels.")]
Separator = Annotated[str, typer.Option(help="Between labels in one field.")]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")]
Format = Annotated[Output | None, typer.Option(help="Of the output: a table on a terminal, else JSON lines.")]
Bad = Annotated[OnError, typer.Option(help="What becomes of a bad line.")]


@app.command()
def predict(
    folder: Folder,
    text: Text = None,
    file: File = None,
    top: Annotated[int, typer.Option(min=1, help="The most labels of a text.")] = 5,
    threshold: Annotated[
        str | None, typer.Option(help="A probability, or micro_f1, macro_f1, or precision=0.9 as fitted.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Probabilities of these labels alone, separated by commas.")
    ] = None,
    text_column: TextColumn = "text",
    device: Device = "cpu",
    format: Format = None,
    on_error: Bad = "stop",
) -> None:
    """Print the labels of a text, or of each text of a file."""
    from xmlcore.serving.rows import label_row

    classifier, asked = _load(folder, device), labels.split(",") if labels else None
    given, texts = tee(_given(text, file, _columns(text_column), on_error))
    if asked:
        found: Iterable[list[Label]] = _probabilities(classifier, (each.text for each in texts), asked)
    else:
        found = classifier.stream((each.text for each in texts), top, _threshold(threshold))
    rows = (
        {"id": each.id, "labels": [label_row(label) for label in of_text]}
        for each, of_text in zip(given, found, strict=True)
    )
    with _broken_pipe_ends():
        _write(track(rows, "predict") if file else rows, format, _label_lines, ("id", "name", "title", "probability"))


@app.command()
def explain(
    folder: Folder,
    text: Text = None,
    file: File = None,
    label: Annotated[str | None, typer.Option(help="By name or title; without one, the most probable ones.")] = None,
    labels: Annotated[int, typer.Option(min=1, help="How many of the most probable labels.")] = 1,
    method: Annotated[Method, typer.Option(help="LIME, SHAP or Integrated Gradients.")] = "lime",
    words: Annotated[int, typer.Option(min=1, help="The most words of a label.")] = 10,
    samples: Annotated[int, typer.Option(min=20, help="Copies of the text that are scored.")] = 1000,
    html: Annotated[Path | None, typer.Option(help="Write a page of the first text there, too.")] = None,
    text_column: TextColumn = "text",
    device: Device = "cpu",
    format: Format = None,
    on_error: Bad = "stop",
) -> None:
    """Print which words speak for and against the labels of a text."""
    from xmlcore.serving.rows import words_row

    classifier = _load(folder, device)

    def rows() -> Iterator[dict[str, Any]]:
        for number, each in enumerate(_given(text, file, _columns(text_column), on_error), start=1):
            if label is None:
                found = classifier.explain_top(each.text, labels, method, words, samples)
            else:
                found = [classifier.explain(each.text, label, method, words, samples)]
            if html and number == 1:
                _write_page(html, folder, each, found, classifier)
            for one in found:
                yield {"id": each.id or str(number)} | words_row(one)

    with _broken_pipe_ends():
        _write(rows(), format, _word_lines, ("id", "label", "word", "weight"))


@app.command()
def attack(
    folder: Folder,
    text: Text = None,
    file: File = None,
    label: Annotated[
        str | None, typer.Option(help="Aimed at, by name or title; without one, the most probable.")
    ] = None,
    goal: Annotated[
        Goal, typer.Option(help="The label shall leave the best k, enter them, or any shall leave.")
    ] = "positive",
    substitutes: Annotated[Substitutes, typer.Option(help="Where words come from.")] = "gradient",
    source: Annotated[
        str | None, typer.Option(help="Of masked_lm: a BERT, folder or name; of synonyms: a list or a folder of lists.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="How many of the best labels count.")] = 5,
    max_change: Annotated[float, typer.Option(min=0, max=1, help="Share of the words that may change.")] = 0.1,
    text_column: TextColumn = "text",
    device: Device = "cpu",
    format: Format = None,
    on_error: Bad = "stop",
) -> None:
    """Print which words an attacker would change, and what the model says then."""
    from xmlcore.serving.rows import attack_row

    classifier = _load(folder, device)
    options: dict[str, Any] = {
        "goal": goal,
        "substitutes": substitutes,
        "k": k,
        "max_change": max_change,
        "source": source,
    }
    rows = (
        {"id": each.id or str(number)} | attack_row(classifier.attack(each.text, label, **options))
        for number, each in enumerate(_given(text, file, _columns(text_column), on_error), start=1)
    )
    with _broken_pipe_ends():
        _write(rows, format, _attack_lines, ("id", "success", "similarity", "before", "after"))


@app.command()
def evaluate(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="Texts with labels: .jsonl, .csv, .tsv, .parquet or .arrow.")],
    text_column: TextColumn = "text",
    labels_column: LabelsColumn = "labels",
    separator: Separator = " ",
    device: Device = "cpu",
    format: Format = None,
    on_error: Bad = "stop",
) -> None:
    """Print P@k, nDCG@k, recall and F1 of a model on texts whose labels are known."""
    from xmlcore.serving.evaluation import evaluate_texts

    classifier, columns = _load(folder, device), _columns(text_column, labels_column, separator)
    figures = evaluate_texts(classifier, track(_given(None, file, columns, on_error, labelled=True), "evaluate"))
    _write(iter([figures]), format, lambda row: [[name, _number(value)] for name, value in row.items()], tuple(figures))


@app.command()
def serve(
    folders: Annotated[list[Path], typer.Argument(metavar="MODEL [MODEL]", help="A model folder, or two to compare.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="On which the page answers.")] = 7860,
    host: Annotated[str, typer.Option(help="Where it listens; the default is reached from here alone.")] = "127.0.0.1",
    characters: Annotated[int, typer.Option(min=1, help="Of a text at most.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="That a question may take, its waiting included.")] = 30.0,
    waiting: Annotated[int, typer.Option(min=1, help="Questions that may wait.")] = 64,
    samples: Annotated[int, typer.Option(min=20, help="Copies of a text that an explanation scores.")] = 1000,
    device: Device = "cpu",
) -> None:
    """Show a page on which a model is asked: labels, why, and which words an attacker would change."""
    try:
        from xmlcore.serving.page.server import serve as run_server
    except ModuleNotFoundError as error:
        raise UserError(f"the page needs gradio ({error.name} is missing): pip install 'xmlcore[serve]'") from None
    from xmlcore.serving.page.answers import Answers, Limits

    limits = Limits(characters=characters, seconds=seconds, waiting=waiting, samples=samples)
    run_server(Answers({str(folder): _load(folder, device) for folder in folders}, limits), host, port)


@app.command()
def card(folder: Folder) -> None:
    """Print the model card: what it knows, how good it is, clean and attacked, and how it was trained."""
    from rich.markdown import Markdown

    text = printable(_load(folder).card) or "no card"
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(Markdown(text.split("---\n", 2)[-1]))
    else:
        sys.stdout.write(text)


def _load(folder: Path, device: str = "cpu") -> "TextClassifier":
    from xmlcore.serving.text_classifier import load_classifier

    return load_classifier(folder, device)


def _columns(text: str, labels: str = "labels", separator: str = " ") -> "Columns":
    from xmlcore.corpora.user_texts import Columns

    return Columns(text=text, labels=labels, separator=separator)


def _given(
    text: str | None, file: Path | None, columns: "Columns", on_error: OnError, labelled: bool = False
) -> Iterator["Given"]:
    """Return the one `text`, or those of `file` or standard input."""
    from xmlcore.corpora.user_texts import Given, read_texts

    if text is not None and file is not None:
        raise UserError("give a text or --file, not both")
    if text is not None:
        return iter([Given("the text", "", text, None)])
    if file is None and sys.stdin.isatty():
        raise UserError("no text: give one behind the model, or --file, or pipe some in")
    skip = (lambda fault: console.print(f"skipped: {printable(fault)}", markup=False)) if on_error == "skip" else None
    return read_texts(None if file is None or str(file) == "-" else file, columns, skip=skip, labelled=labelled)


AT_ONCE = 256  # texts whose probabilities are asked for together


def _probabilities(classifier: "TextClassifier", texts: Iterable[str], asked: list[str]) -> Iterator[list["Label"]]:
    waiting = iter(texts)
    while chunk := [*islice(waiting, AT_ONCE)]:
        for scores in classifier.predict_proba(chunk, asked):
            found = [classifier.label(*pair) for pair in zip(asked, scores, strict=True)]
            yield sorted(found, key=lambda label: -label.probability)


def _threshold(threshold: str | None) -> float | str | None:
    try:
        return None if threshold is None else float(threshold)
    except ValueError:
        return threshold


def _label_lines(row: dict[str, Any]) -> list[list[str]]:
    return [[row["id"], each["name"], each["title"], f"{each['probability']:.4f}"] for each in row["labels"]]


def _word_lines(row: dict[str, Any]) -> list[list[str]]:
    return [[row["id"], row["label"]["title"], word, f"{weight:+.4f}"] for word, weight in row["words"]]


def _attack_lines(row: dict[str, Any]) -> list[list[str]]:
    changes = ", ".join(f"{word} -> {substitute or '(deleted)'}" for word, substitute in row["changes"])
    before, after = (", ".join(label["title"] for label in row[f"labels_{when}"]) for when in ("before", "after"))
    lines = [
        ("aimed at", f"{row['label']['title']} ({row['goal']})"),
        ("reached", "yes" if row["success"] else "no"),
        ("words changed", changes or "none"),
        ("similarity", f"{row['similarity']:.2f}"),
        ("labels before", before),
        ("labels after", after),
        ("text after", row["after"]),
    ]
    return [[row["id"], *line] for line in lines]


def _write(
    rows: Iterable[dict[str, Any]],
    format: Output | None,
    lines: Callable[[dict[str, Any]], list[list[str]]],
    columns: tuple[str, ...],
) -> None:
    """Write each row as it comes."""
    format = format or ("table" if sys.stdout.isatty() else "jsonl")
    if format == "jsonl":
        import json

        for row in rows:
            print(json.dumps(row, ensure_ascii=False), flush=True)
    elif format == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerows(_csv_lines(row, columns, lines))
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text as Shown

        for row in rows:
            table = Table(show_header=False, box=None, pad_edge=False)
            for line in lines(row):
                table.add_row(*(Shown(printable(each)) for each in line))
            Console().print(table)


def _csv_lines(
    row: dict[str, Any], columns: tuple[str, ...], lines: Callable[[dict[str, Any]], list[list[str]]]
) -> list[list[str]]:
    """Return the lines of a row; where it has all the `columns` itself, these."""
    return [[str(row[name]) for name in columns]] if all(name in row for name in columns) else lines(row)


def _number(value: float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _write_page(path: Path, folder: Path, given: "Given", found: list["Words"], classifier: "TextClassifier") -> None:
    from xmlcore.common.files import atomic_file
    from xmlcore.serving.explanation_page import explanation_page

    with atomic_file(path) as temporary:
        temporary.write_text(explanation_page(folder.name, given.id, given.text, found, classifier), encoding="utf-8")


@contextmanager
def _broken_pipe_ends() -> Iterator[None]:
    """End quietly where the reader of the output has gone, as `head` does."""
    try:
        yield
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None


def main() -> None:
    """Run the command; a user's mistake is one line."""
    keep_freed_memory()
    try:
        app()
    except UserError as error:
        fail(str(error))
    except OSError as error:
        fail(describe(error))
