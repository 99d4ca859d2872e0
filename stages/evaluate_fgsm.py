"""Evaluate clean and under FGSM, for every epsilon: `python stages/evaluate_fgsm.py reuters21578 xml_cnn clean bce`.

Reads models/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes, below metrics/CORPUS/MODEL/REGIME/LOSS, one
file for each epsilon, fgsm/eps=0.10.json, of the model with its regime's defence against an attacker who knows of it;
below plots/CORPUS/MODEL/REGIME/LOSS the same rows as a curve, fgsm.json, and the ablation of feature squeezing,
squeezing.json; and the wall-clock time and peak memory, timings/CORPUS/MODEL/REGIME/LOSS/evaluate_fgsm.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.distributed import is_writer
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.timing import measured
    from xmlcore.config.params import format_epsilon, load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep, squeezing_settings
    from xmlcore.models.registry import load_model

    params = load_params()
    data = load_encoded(paths.encoded(corpus, model))
    defended = Setting(params.regime_of(regime).squeeze, "aware")
    with measured() as cost:
        results = fgsm_sweep(
            load_model(paths.model(corpus, model, regime, loss)),
            data.splits["test"],
            params.fgsm.epsilons,
            squeezing_settings(defended),
            params.fgsm.bits,
            data.max_tokens if params.fgsm.perturb_padding else None,
            track,
        )
    if not is_writer():
        return
    sweep = [{"epsilon": result.epsilon} | result.metrics for result in results if result.setting == defended]
    with atomic_directory(paths.metrics(corpus, model, regime, loss, "fgsm")) as folder:
        for row in sweep:
            write_json(folder / f"eps={format_epsilon(row['epsilon'])}.json", row)
    write_json(paths.plots(corpus, model, regime, loss) / "fgsm.json", sweep)
    write_json(paths.plots(corpus, model, regime, loss) / "squeezing.json", [result.row() for result in results])
    write_json(paths.timings(corpus, model, regime, loss) / "evaluate_fgsm.json", cost)


if __name__ == "__main__":
    run(main)
