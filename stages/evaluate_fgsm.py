"""Evaluate clean and under FGSM, for every epsilon: `python stages/evaluate_fgsm.py reuters21578 xml_cnn clean bce`.

Reads models/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes, below metrics/CORPUS/MODEL/REGIME/LOSS, one
file for each epsilon, fgsm/eps=0.10.json, of the model with its regime's defence against an attacker who knows of it;
below plots/CORPUS/MODEL/REGIME/LOSS the same rows as a curve, fgsm.json, and the ablation of feature squeezing,
squeezing.json; and the wall-clock time and peak memory, timings/CORPUS/MODEL/REGIME/LOSS/evaluate_fgsm.json.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.cost import measured
    from xmlcore.distributed import is_writer
    from xmlcore.encoding import load_encoded
    from xmlcore.evaluation import Setting, fgsm_sweep, squeezing_settings
    from xmlcore.files import atomic_directory, write_json
    from xmlcore.models.storage import load_model
    from xmlcore.params import format_epsilon, load_params

    params = load_params()
    data = load_encoded(layout.encoded(corpus, model))
    defended = Setting(params.regime_of(regime).squeeze, "aware")
    with measured() as cost:
        results = fgsm_sweep(
            load_model(layout.model(corpus, model, regime, loss)),
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
    with atomic_directory(layout.metrics(corpus, model, regime, loss, "fgsm")) as folder:
        for row in sweep:
            write_json(folder / f"eps={format_epsilon(row['epsilon'])}.json", row)
    write_json(layout.plots(corpus, model, regime, loss) / "fgsm.json", sweep)
    write_json(layout.plots(corpus, model, regime, loss) / "squeezing.json", [result.row() for result in results])
    write_json(layout.timings(corpus, model, regime, loss) / "evaluate_fgsm.json", cost)


if __name__ == "__main__":
    run(main)
