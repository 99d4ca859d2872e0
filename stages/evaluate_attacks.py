"""Attack embeddings in every way, and check the attacks.

python stages/evaluate_attacks.py reuters21578 xml_cnn clean bce

Reads models/CORPUS/MODEL, all of them, because what harms one may harm another, and data/CORPUS/encoded/MODEL. Writes
metrics/CORPUS/MODEL/REGIME/LOSS/sanity.json, the checks and their figures; plots/CORPUS/MODEL/REGIME/LOSS/attacks.json,
the curves against epsilon; and timings/CORPUS/MODEL/REGIME/LOSS/evaluate_attacks.json, wall-clock time and peak memory.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Attack the MODEL of CORPUS trained in REGIME with LOSS."""
    from itertools import product

    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.distributed import is_writer
    from xmlcore.common.files import write_json
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.evaluation.attack_checks import curves, sanity
    from xmlcore.evaluation.attack_suite import Models, attack_embeddings
    from xmlcore.models.registry import load_model

    params = load_params()
    cell = corpus, model, regime, loss
    bare = load_model(paths.model(*cell))
    where = params.regime_of(regime).squeeze
    others = [
        load_model(paths.model(corpus, model, *training))
        for training in product(params.regimes, params.losses)
        if training != (regime, loss)
    ]
    models = Models(squeeze(bare, where, params.fgsm.bits), None if where == "none" else bare, others)
    with measured() as cost:
        test = load_encoded(paths.encoded(corpus, model)).splits["test"]
        findings = attack_embeddings(models, test, params.robustness, params.seed, track)
    if not is_writer():
        return
    write_json(paths.metrics(*cell, "sanity.json"), sanity(findings, params.robustness.epsilon))
    write_json(paths.plots(*cell) / "attacks.json", curves(findings))
    write_json(paths.timings(*cell) / "evaluate_attacks.json", cost)


if __name__ == "__main__":
    run(main)
