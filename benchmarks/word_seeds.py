"""Word attacks over seeds: `python benchmarks/word_seeds.py simulated-eurlex xml_cnn --seed 7 --seed 8 --seed 9`.

Reads `losses` and `words` of params.yaml, the recipe, data/CORPUS/encoded/MODEL, data/CORPUS/embeddings/MODEL and what
the generators of words need. With each seed the model is trained clean with each loss and attacked where the first loss
is right, as in the stage `attack_words`; goals other than `positive` are tried on the first loss alone (Qaraei and
Babbar, section 4). A row for each seed, goal, generator and range of label frequency goes into
docs/results/word_seeds.csv and the pages.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from result_pages import write_pages
from result_tables import FOLDER, origin, read_table, write_table
from trained import trained
from xmlcore.attacks.words.campaign import Campaign, by_frequency
from xmlcore.attacks.words.generators.choice import load_generators
from xmlcore.attacks.words.language import load_language
from xmlcore.attacks.words.sampling import choose_targets
from xmlcore.attacks.words.similarity import load_encoder
from xmlcore.attacks.words.texts import read_texts
from xmlcore.attacks.words.victim import Victim
from xmlcore.common import paths
from xmlcore.common.cli import console, run, track
from xmlcore.common.device import choose_device
from xmlcore.common.journal import Journal
from xmlcore.config.params import load_params
from xmlcore.data.dataset import load_encoded
from xmlcore.ranking.predictions import predict

REGIME = "clean"


def main(
    corpus: str,
    model: str,
    seed: Annotated[list[int], typer.Option(help="Of one training with each loss; name the option again for more.")],
) -> None:
    """Train the MODEL of CORPUS with each seed and each of `losses`, and attack the words of its documents."""
    params, data, language = load_params(), load_encoded(paths.encoded(corpus, model)), paths.language(corpus)
    options = params.words
    words = load_language(language / "words")
    encoder = load_encoder(options.encoder, words, choose_device(params.device))

    for one in seed:
        samples = []
        for loss in params.losses:
            classifier = trained(params, data, corpus, model, REGIME, loss, one)
            if loss == params.losses[0]:
                known = predict(classifier, data.splits["test"], options.k, track)
                samples = choose_targets(data, known, options, one).samples
            else:
                samples = [sample for sample in samples if sample.goal == "positive"]
            texts = read_texts(paths.records(corpus) / "test.tsv", data, {sample.document for sample in samples})
            victim = Victim(classifier, data, params.explain.batch_size, options.scores)
            generators = load_generators(
                options, victim, words, language / "masked_lm", paths.LEXICONS, paths.substitutes(corpus)
            )
            campaign = Campaign(victim, encoder, texts, data.shown_labels, options)
            with TemporaryDirectory() as temporary:
                rows = campaign.run(generators, samples, Journal(Path(temporary, "attacks.jsonl"), ""), track)
            names = {"corpus": corpus, "model": model, "regime": REGIME, "loss": loss, "seed": str(one)}
            record(names, by_frequency(rows, options.thresholds))


def record(names: dict[str, str], found: Iterable[dict[str, Any]]) -> None:
    """Put the rows `found` of a training into the table, in the place of those with its `names`, goal and generator."""
    command = f"python benchmarks/word_seeds.py {names['corpus']} {names['model']} --seed {names['seed']}"
    new = [names | row | origin(command) for row in found]
    for row in new:
        labels = f"labels with {row['lowest']} to {row['highest']} documents"
        console.print(f"{' '.join(names.values())}, {row['goal']}, {labels}: {row['success_rate']:.1%} succeed")
    key = (*names, "goal", "generator")
    replaced = {tuple(row[each] for each in key) for row in new}
    kept = [row for row in read_table("word_seeds") if tuple(row[each] for each in key) not in replaced]
    write_table("word_seeds", [*kept, *new])
    write_pages(FOLDER, read_table)


if __name__ == "__main__":
    run(main)
