"""The model card: README.md with the front matter that model hubs read, and what a reader has to know."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from xmlcore.config.params import Baseline, Regime, Training
from xmlcore.data.dataset import Statistics
from xmlcore.ranking.calibration import CalibrationFigures


class Facts(NamedTuple):
    """What is told of a trained model."""

    cell: tuple[str, str, str, str]  # corpus, model, regime, loss
    architecture: str
    language: str
    license: str
    split: str  # whose documents it was measured on, test or validation
    corpus: Statistics
    how: str  # it was trained: `network_training`, `linear_training`
    curve: Sequence[Mapping[str, Any]]  # a row for each epsilon, 0 first: `epsilon`, `P@k`, `nDCG@k`
    calibration: CalibrationFigures


def network_training(training: Training, regime: Regime, validation_documents: int) -> str:
    """Return how a network was trained, as the card goes on after the documents."""
    refit = ", then it was trained again on both" if training.refit else ""
    return (
        f"the epoch was chosen on {validation_documents:,} more{refit}. At most {training.epochs} epochs, batches of "
        f"{training.batch_size}, rate {training.learning_rate}{_hardened(regime)}. Defence when used: {regime.squeeze}."
    )


def _hardened(regime: Regime) -> str:
    """Return what training was hardened against, as the sentence goes on."""
    found = ""
    if regime.adversarial_weight:
        found += (
            f"; {100 * regime.adversarial_share:.1f} % of each batch {_attack(regime)}, weight "
            f"{regime.adversarial_weight}"
        )
    if regime.word_substitution:
        found += f"; {100 * regime.word_substitution:.1f} % of the words replaced by random ones of their substitutes"
    if regime.certified_weight:
        found += f"; bounds of what substitutes of all words can do, weight {regime.certified_weight}"
    return found


def _attack(regime: Regime) -> str:
    if regime.attack_space == "words":
        return f"with at most {100 * regime.max_change:.1f} % of the words substituted along the gradient"
    radius = f"a relative size of {regime.relative_size}" if regime.relative_size else f"ε = {regime.epsilon}"
    if regime.takes_free_step:
        return f"under FGSM with {radius}"
    steps = "1 step" if regime.attack_steps == 1 else f"{regime.attack_steps} steps"
    return f"under {steps} of PGD on the {regime.attack_objective} with {radius}"


def linear_training(options: Baseline, labels: int, validation_documents: int) -> str:
    """Return how a linear classifier of `labels` labels was fitted, as the card goes on after the documents."""
    grouped = f", among the documents of its group of at most {options.group} labels" if labels > options.group else ""
    return (
        f"{validation_documents:,} more taught the probabilities and thresholds, then it was fitted again to both. "
        f"Liblinear on tf-idf, squared hinge loss, C = {options.cost}, a classifier for each label{grouped}."
        "\n\nIt reads words and no vectors: attacks on embeddings, such as FGSM and PGD, do not apply to it, which "
        "makes it no more robust; attacks on words do."
    )


def model_card(facts: Facts) -> str:
    """Return the text of README.md."""
    return _template().render(facts=facts, name="-".join(facts.cell), clean=facts.curve[0])


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}"
    return environment.get_template("card.md.j2")
