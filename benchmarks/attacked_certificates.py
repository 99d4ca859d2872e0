"""Word attacks and certificates: `python benchmarks/attacked_certificates.py reuters21578 bag_of_words certified bce`.

Reads what `attack_words` found with the generator `substitutes` and the goal `positive`, results/CELL/attack_words, and
the model and the substitutes that it had; prints how many labels fell of those that are certified, and of the others.
"""

import json
from dataclasses import replace

import numpy as np

from xmlcore.attacks.words.results import WordAttack
from xmlcore.common import paths
from xmlcore.common.cli import run
from xmlcore.config.params import load_params
from xmlcore.data.dataset import load_encoded
from xmlcore.data.substitutes import load_table
from xmlcore.models.registry import load_model
from xmlcore.ranking.certificates import certified_hits
from xmlcore.ranking.metrics import KS


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Count the certified labels of the MODEL of CORPUS trained in REGIME with LOSS that word attacks took."""
    cell, options = (corpus, model, regime, loss), load_params().words
    data, classifier = load_encoded(paths.encoded(corpus, model)), load_model(paths.trained(*cell))
    lines = (paths.results(*cell, "attack_words") / "attacks.jsonl").read_text(encoding="utf-8").splitlines()
    attacks: list[WordAttack] = [
        row
        for row in map(json.loads, lines)
        if row["clean"] and (row["goal"], row["generator"]) == ("positive", "substitutes")
    ]
    test, column = data.splits["test"], KS.index(options.k)
    labels = [[data.shown_labels.index(label) for label in row["labels"]] for row in attacks]
    split = replace(
        test.take(np.array([row["document"] for row in attacks])),
        labels=np.array([label for each in labels for label in each], np.int32),
        label_offsets=np.cumsum([0, *map(len, labels)]),
    )
    table = load_table(paths.substitutes(corpus), data.vocabulary)
    fell, aimed = np.array([row["success"] for row in attacks]), np.array([len(each) for each in labels])
    print(f"{len(attacks)} attacks on labels among the best {options.k}: {fell.sum()} fell")
    for share in (1.0, options.max_change):
        certain = certified_hits(classifier, split, table, share)
        if certain is None:
            print("the model has no bounds")
            return
        held = certain[:, column] == aimed
        counts = f"{held.sum()} certified, {fell[held].sum()} of them fell, {fell[~held].sum()} of the others"
        print(f"{share:.0%} of the words substituted: {counts}")


if __name__ == "__main__":
    run(main)
