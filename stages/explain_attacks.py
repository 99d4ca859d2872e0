"""Explain documents before and after an attack on their words, for the gallery of the report.

python stages/explain_attacks.py simulated-rcv1 xml_cnn adversarial bce clean bce

Takes successful attacks on the MODEL of CORPUS trained in the last two arguments, and explains both texts by the one
trained in REGIME with LOSS. Reads explain from params.yaml; writes explanations/CORPUS/MODEL/REGIME/LOSS/gallery.json.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str, loss: str, attacked_regime: str, attacked_loss: str) -> None:
    """Explain what attacks on one training of MODEL change, by another or the same."""
    from itertools import chain

    from xmlcore import layout
    from xmlcore.attacks.words.victim import Victim
    from xmlcore.cli import track
    from xmlcore.distributed import is_writer, map_shared
    from xmlcore.encoding import load_encoded
    from xmlcore.explain.gallery import Gallery, chosen_attacks, read_attacks
    from xmlcore.files import write_json
    from xmlcore.models.storage import load_model
    from xmlcore.params import load_params
    from xmlcore.predictor import Predictor

    params = load_params()
    options = params.explain
    data = load_encoded(layout.encoded(corpus, model))
    classifier = load_model(layout.model(corpus, model, regime, loss))
    victim = Victim(classifier, data, options.batch_size)
    gallery = Gallery(victim, Predictor(classifier, data, options.batch_size), options, params.seed)
    path = layout.attacks(corpus, model, attacked_regime, attacked_loss) / "attacks.jsonl"
    attacks = chosen_attacks(read_attacks(path, {*data.label_names}), options.gallery)
    entries = map_shared(gallery.entries, track(attacks, f"attacked texts {corpus}/{model}/{regime}/{loss}"))
    if is_writer():
        write_json(layout.explanations(corpus, model, regime, loss) / "gallery.json", [*chain.from_iterable(entries)])


if __name__ == "__main__":
    run(main)
