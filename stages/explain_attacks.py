"""Explain documents before and after an attack on their words.

python stages/explain_attacks.py simulated-rcv1 xml_cnn adversarial bce clean bce

Takes successful attacks on the MODEL of CORPUS trained in the last two arguments, and explains both texts by the one
trained in REGIME with LOSS. Reads `explain` of params.yaml; writes
results/CORPUS/MODEL/REGIME/LOSS/explain_attacks/gallery.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str, attacked_regime: str, attacked_loss: str) -> None:
    """Explain what attacks on one training of MODEL change, by another or the same."""
    from itertools import chain

    from xmlcore.attacks.words.victim import Victim
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.distributed import map_shared
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.explain.pages.attacked_documents import Gallery, chosen_attacks, read_attacks
    from xmlcore.models.predictor import Predictor
    from xmlcore.models.registry import load_model

    params, cell = load_params(), (corpus, model, regime, loss)
    options = params.explain
    data = load_encoded(paths.encoded(corpus, model))
    classifier = load_model(paths.trained(*cell), choose_device(params.device))
    victim = Victim(classifier, data, options.batch_size)
    gallery = Gallery(victim, Predictor(classifier, data, options.batch_size), options, params.seed)
    path = paths.results(corpus, model, attacked_regime, attacked_loss, "attack_words") / "attacks.jsonl"
    attacks = chosen_attacks(read_attacks(path, {*data.shown_labels}), options.gallery)
    with output_directory(paths.results(*cell, "explain_attacks")) as results:
        entries = map_shared(gallery.entries, track(attacks, f"attacked texts {'/'.join(cell)}"))
        write_json(results / "gallery.json", [*chain.from_iterable(entries)])


if __name__ == "__main__":
    run(main)
