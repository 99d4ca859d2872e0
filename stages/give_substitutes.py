"""Give a regime the substitutes that it trains with: `python stages/give_substitutes.py reuters21578 certified`.

Reads data/substitutes/CORPUS where the regime has a certified_weight, word_substitution or attacks on words, and else
nothing. Writes data/CORPUS/substitutes/REGIME: substitutes.json, without a word where nothing was read. So a training
is stale where its own substitutes change, and the clean ones are not where some are chosen.
"""

from xmlcore.common.cli import run


def main(corpus: str, regime: str) -> None:
    """Write the substitutes for trainings on CORPUS in REGIME."""
    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.substitutes import Substitutes, read_substitutes, write_substitutes

    substitutes: Substitutes = {}
    if load_params().regime_of(regime).takes_substitutes:
        substitutes = read_substitutes(paths.substitutes(corpus))
    with atomic_directory(paths.given_substitutes(corpus, regime)) as folder:
        write_substitutes(folder, substitutes)


if __name__ == "__main__":
    run(main)
