"""How fast a model answers: `python benchmarks/serving.py models/CORPUS/MODEL/REGIME/LOSS texts.csv`.

Texts of 150 words, one at a time in a running process; LIME with 1,000 samples and three labels; an attack that shall
drive the best label out of the best five; and 10,000 texts in a row.
"""

from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from xmlcore.common.cli import run
from xmlcore.corpora.user_texts import Columns, read_texts
from xmlcore.serving.text_classifier import load_classifier

WORDS, MANY = 150, 10_000


def main(folder: Path, file: Path) -> None:
    """Time the model in FOLDER on texts of FILE: .txt, .jsonl, .csv or .tsv."""
    classifier = load_classifier(folder)
    given = [each.text for each in islice(read_texts(file, Columns()), 1000)]
    words = cycle(word for text in given for word in text.split())
    texts = [" ".join(islice(words, WORDS)) for _ in range(200)]
    table = Table("", "times", "median, ms", "99th percentile, ms")

    def time(name: str, call: Callable[[str], object], times: int) -> None:
        call(texts[0])
        seconds = []
        for text in islice(cycle(texts), times):
            began = perf_counter()
            call(text)
            seconds.append(perf_counter() - began)
        middle, slow = 1000 * np.percentile(seconds, [50, 99])
        table.add_row(name, str(times), f"{middle:.1f}", f"{slow:.1f}")

    time("predict", classifier.predict, 1000)
    time("LIME, 1,000 samples, 3 labels", lambda text: classifier.explain_top(text, 3, "lime", samples=1000), 20)
    time("attack, positive", classifier.attack, 20)
    began = perf_counter()
    count = sum(1 for _ in classifier.stream(islice(cycle(texts), MANY)))
    console = Console()
    console.print(table)
    console.print(f"{count:,} texts of {WORDS} words: {count / (perf_counter() - began):.0f} a second")


if __name__ == "__main__":
    run(main)
