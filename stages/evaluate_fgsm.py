"""Evaluate clean and under FGSM, for every epsilon: `python stages/evaluate_fgsm.py reuters21578 xml_cnn clean`.

Reads models/CORPUS/MODEL/REGIME and data/CORPUS/encoded. Writes one file for each epsilon, metrics/CORPUS/MODEL/REGIME/
fgsm/eps=0.10.json, of the model with its regime's defence against an attacker who knows of it, and the same rows as
the curve plots/CORPUS/MODEL/REGIME/fgsm.json; the ablation of feature squeezing, plots/CORPUS/MODEL/REGIME/
squeezing.json; and the wall-clock time and peak memory, timings/CORPUS/MODEL/REGIME/evaluate_fgsm.json.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str) -> None:
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
    data = load_encoded(layout.encoded(corpus))
    defended = Setting(params.regime_of(regime).squeeze, "aware")
    with measured() as cost:
        results = fgsm_sweep(
            load_model(layout.model(corpus, model, regime)),
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
    with atomic_directory(layout.metrics(corpus, model, regime, "fgsm")) as folder:
        for row in sweep:
            write_json(folder / f"eps={format_epsilon(row['epsilon'])}.json", row)
    write_json(layout.plots(corpus, model, regime) / "fgsm.json", sweep)
    write_json(layout.plots(corpus, model, regime) / "squeezing.json", [result.row() for result in results])
    write_json(layout.timings(corpus, model, regime) / "evaluate_fgsm.json", cost)


if __name__ == "__main__":
    run(main)
