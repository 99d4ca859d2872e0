"""What the card of a model says of its training."""

from pathlib import Path

import pytest

from xmlcore.config.params import load_params
from xmlcore.serving.model_card import network_training

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.mark.parametrize(
    ("regime", "said"),
    [
        ("adversarial", "; 25.0 % of each batch under FGSM with ε = 0.1, weight 0.3."),
        ("pgd", "; 100.0 % of each batch under 3 steps of PGD on the margin with a relative size of 0.2, weight 0.9."),
        ("substituted", "; 50.0 % of the words replaced by random ones of their substitutes."),
        ("adversarial_words", "with at most 100.0 % of the words substituted along the gradient, weight 0.5."),
        ("certified", "; bounds of what substitutes of all words can do, weight 0.2."),
    ],
)
def test_the_card_names_what_training_was_hardened_against(regime: str, said: str) -> None:
    training = PARAMS.model["xml_cnn"].training
    assert said in network_training(training, PARAMS.regime_of(regime), 100)
    assert "weight" not in network_training(training, PARAMS.regime_of("clean"), 100)
