"""Word attacks against Algorithm 1 as printed, in one run: `python benchmarks/word_attack.py reuters21578 xml_cnn`.

Needs what `dvc repro attack_words@CORPUS-MODEL-clean-bce` needs. The plain side scores one document at a time with the
model in torch's own layers (XML-CNN) or its ordinary forward pass, and asks for the substitutes of one word at a time.
Prints documents a second and writes benchmarks/CORPUS-MODEL-words.json.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from measure import compare
from plain import PlainXMLCNN
from plain_words import plain_attack
from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.choice import load_generators
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.language import load_language
from xmlcore.attacks.words.sampling import read_samples
from xmlcore.attacks.words.search import substitute_words
from xmlcore.attacks.words.texts import read_texts
from xmlcore.attacks.words.victim import Victim
from xmlcore.common import paths
from xmlcore.common.cli import run
from xmlcore.common.files import write_json
from xmlcore.config.params import load_params
from xmlcore.data.dataset import load_encoded
from xmlcore.models.registry import load_model
from xmlcore.models.xml_cnn.model import XMLCNN


def main(
    corpus: str,
    model: str,
    documents: Annotated[int, typer.Option(help="of each goal that has a label", min=1)] = 16,
    repeats: Annotated[int, typer.Option(help="measured turns of each side", min=1)] = 1,
) -> None:
    """Compare the attack on MODEL of CORPUS with its plain reference."""
    params = load_params()
    data = load_encoded(paths.encoded(corpus, model))
    classifier = load_model(paths.trained(corpus, model, "clean", "bce")).eval()
    victim = Victim(classifier, data, params.explain.batch_size)
    options = params.words.model_copy(update={"generators": ["masked_lm"]})
    learned = paths.language(corpus)
    language = load_language(learned / "words")
    (generator,) = load_generators(options, victim, language, learned / "masked_lm", paths.LEXICONS).values()
    targets = paths.results(corpus, model, "clean", "bce", "attack_words") / "targets.json"
    drawn = read_samples(targets, len(data.splits["test"]), len(data.label_names))
    samples = [each for each in drawn if each.labels]
    samples = [each for goal in options.goals for each in [s for s in samples if s.goal == goal][:documents]]
    texts = read_texts(paths.records(corpus) / "test.tsv", data, {sample.document for sample in samples})
    work = [
        (Target(s.document, s.goal, s.labels, (True,) * len(s.labels)), victim.words(texts[s.document].text))
        for s in samples
    ]
    plain = PlainXMLCNN(classifier).eval() if isinstance(classifier, XMLCNN) else classifier
    k, candidates, max_change = options.k, options.candidates, options.max_change

    @torch.inference_mode()
    def score(words: Sequence[str]) -> np.ndarray:
        return plain(torch.from_numpy(victim.tokens(words))[None])[0].numpy()

    def one_by_one() -> list[list[str]]:
        changed = []
        for target, words in work:

            def suggest(document: Sequence[str], position: int, target: Target = target) -> list[str]:
                return generator.propose([Request(document, position, target)], candidates)[0]

            changed.append(plain_attack(words, target, score, suggest, k, max_change)[0])
        return changed

    def ours() -> list[list[str]]:
        found = substitute_words(victim, generator, work, k=k, candidates=candidates, max_change=max_change)
        return [attack.words for attack in found]

    torch.set_float32_matmul_precision("highest")
    same = sum(a == b for a, b in zip(ours(), one_by_one(), strict=True))
    row = compare(f"word attack, {len(work)} documents", ours, one_by_one, repeats)
    result = asdict(row) | {"documents": len(work), "same_outcome": same}
    Console().print(
        f"{corpus}, {model}, {torch.get_num_threads()} threads: {len(work) / row.ours:.2f} documents a second, "
        f"plain {len(work) / row.reference:.3f}, ratio {row.ratio:.1f}; {same} of {len(work)} end in the same words"
    )
    write_json(Path("benchmarks", f"{corpus}-{model}-words.json"), result)


if __name__ == "__main__":
    run(main)
