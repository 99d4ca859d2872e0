"""Attack embeddings in every way, and check the attacks.

python stages/evaluate_attacks.py reuters21578 xml_cnn clean bce

Reads models/CORPUS/MODEL, all of them, because what harms one may harm another, and data/CORPUS/encoded/MODEL. Writes
metrics/CORPUS/MODEL/REGIME/LOSS/sanity.json, the checks and their figures; plots/CORPUS/MODEL/REGIME/LOSS/attacks.json,
the curves against epsilon; and timings/CORPUS/MODEL/REGIME/LOSS/evaluate_attacks.json, wall-clock time and peak memory.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Attack the MODEL of CORPUS trained in REGIME with LOSS."""
    from itertools import product

    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.cost import measured
    from xmlcore.defenses import squeeze
    from xmlcore.distributed import is_writer
    from xmlcore.encoding import load_encoded
    from xmlcore.files import write_json
    from xmlcore.models.storage import load_model
    from xmlcore.params import load_params
    from xmlcore.robustness import Models, attack_embeddings
    from xmlcore.sanity import curves, sanity

    params = load_params()
    cell = corpus, model, regime, loss
    bare = load_model(layout.model(*cell))
    where = params.regime_of(regime).squeeze
    others = [
        load_model(layout.model(corpus, model, *training))
        for training in product(params.regimes, params.losses)
        if training != (regime, loss)
    ]
    models = Models(squeeze(bare, where, params.fgsm.bits), None if where == "none" else bare, others)
    with measured() as cost:
        test = load_encoded(layout.encoded(corpus, model)).splits["test"]
        findings = attack_embeddings(models, test, params.robustness, params.seed, track)
    if not is_writer():
        return
    write_json(layout.metrics(*cell, "sanity.json"), sanity(findings, params.robustness.epsilon))
    write_json(layout.plots(*cell) / "attacks.json", curves(findings))
    write_json(layout.timings(*cell) / "evaluate_attacks.json", cost)


if __name__ == "__main__":
    run(main)
