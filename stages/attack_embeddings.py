"""Attack embeddings in every way, and check the attacks.

python stages/attack_embeddings.py reuters21578 xml_cnn clean bce

Reads trained/CORPUS/MODEL, every training of it, because what harms one may harm another, and
data/CORPUS/encoded/MODEL.
Writes, in results/CORPUS/MODEL/REGIME/LOSS/attack_embeddings: checks.json, the checks and their figures; curves.json,
every attack against epsilon; worst_case.json, P@1 when every document is attacked until it falls; and timing.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Attack the MODEL of CORPUS trained in REGIME with LOSS."""
    from itertools import product

    from xmlcore.attacks.embeddings.fgsm import epsilon_or_of_size
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.evaluation.attack_checks import curves, sanity
    from xmlcore.evaluation.attack_suite import Models, attack_embeddings
    from xmlcore.evaluation.worst_case import worst_case
    from xmlcore.models.registry import load_model

    params, cell = load_params(), (corpus, model, regime, loss)
    device = choose_device(params.device)
    bare = load_model(paths.trained(*cell), device)
    where = params.regime_of(regime).squeeze
    others = [
        load_model(paths.trained(corpus, model, *training), device)
        for training in product(params.regimes, params.losses)
        if training != (regime, loss)
    ]
    models = Models(squeeze(bare, where, params.fgsm.bits), None if where == "none" else bare, others)
    test = load_encoded(paths.encoded(corpus, model)).splits["test"]
    with output_directory(paths.results(*cell, "attack_embeddings")) as results:
        with measured() as cost:
            findings = attack_embeddings(
                models=models, split=test, options=params.robustness, seed=params.seed, track=track
            )
            cascade = params.robustness.worst_case
            dimension = bare.embedding_table.shape[1]
            worst = worst_case(
                [models.defended, *filter(None, [models.bare])],
                split=test,
                epsilon=epsilon_or_of_size(params.robustness.epsilon, cascade.relative_size, dimension),
                options=cascade,
                seed=params.seed,
                track=track,
            )
        write_json(results / "checks.json", sanity(findings, params.robustness.epsilon))
        write_json(results / "curves.json", curves(findings))
        write_json(results / "worst_case.json", worst)
        write_json(results / "timing.json", cost)


if __name__ == "__main__":
    run(main)
