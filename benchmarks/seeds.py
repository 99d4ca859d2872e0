"""How far a figure depends on the seed: `python benchmarks/seeds.py reuters21578 xml_cnn clean bce --seed 7 --seed 8`.

Reads the recipe, data/CORPUS/encoded/MODEL and data/CORPUS/embeddings/MODEL; trains and evaluates with each seed, which
draws weights, the order of documents and what is dropped. A row for each goes into docs/results/seeds.csv and the
pages.
"""

from typing import Annotated

import typer

from result_pages import write_pages
from result_tables import FOLDER, origin, read_table, write_table
from trained import trained
from xmlcore.common import paths
from xmlcore.common.cli import console, run, track
from xmlcore.config.params import load_params
from xmlcore.data.dataset import load_encoded
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.ranking.metrics import KS


def main(
    corpus: str,
    model: str,
    regime: str,
    loss: str,
    seed: Annotated[list[int], typer.Option(help="Of one training; name the option again for more.")],
) -> None:
    """Train and evaluate the MODEL of CORPUS in REGIME with LOSS, once with each seed."""
    params, data = load_params(), load_encoded(paths.encoded(corpus, model))
    epsilon, defended = params.report.epsilon, Setting(params.regime_of(regime).squeeze, "aware")
    for one in seed:
        clean, attacked = fgsm_sweep(
            trained(params, data, corpus, model, regime, loss, one),
            data.splits["test"],
            epsilons=[epsilon],
            settings=[defended],
            bits=params.fgsm.bits,
            track=track,
        )
        names = {"corpus": corpus, "model": model, "regime": regime, "loss": loss, "seed": str(one)}
        figures = {f"P@{k}": clean.metrics[f"P@{k}"] for k in KS} | {"epsilon": epsilon}
        figures["attacked_P@1"] = attacked.metrics["P@1"]
        console.print(names | figures)
        command = f"python benchmarks/seeds.py {corpus} {model} {regime} {loss} --seed {one}"
        kept = [row for row in read_table("seeds") if any(row[key] != value for key, value in names.items())]
        write_table("seeds", [*kept, names | figures | origin(command)])
    write_pages(FOLDER, read_table)


if __name__ == "__main__":
    run(main)
