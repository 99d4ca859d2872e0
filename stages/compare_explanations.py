"""Compare explanations: of a document and of what an attack made of it, and of two trainings of a model.

python stages/compare_explanations.py simulated-rcv1 xml_cnn adversarial bce clean bce

Reads what measure_explanations wrote of the MODEL of CORPUS trained in REGIME with LOSS, and of that trained in the
last two arguments; writes metrics/CORPUS/MODEL/REGIME/LOSS/stability.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str, reference_regime: str, reference_loss: str) -> None:
    """Compare the explanations of one training of MODEL under attack, and with those of another."""
    from xmlcore.common import paths
    from xmlcore.common.files import write_json
    from xmlcore.explain.study.stability import read_study, stability

    cell, reference = (corpus, model, regime, loss), (corpus, model, reference_regime, reference_loss)
    study = paths.explanations(*cell) / "study"
    clean, attacked = read_study(study / "clean.json"), read_study(study / "attacked.json")
    found = {"documents": max(map(len, clean.values())), "attacked": stability(clean, attacked)}
    if cell != reference:
        found["reference"] = stability(clean, read_study(paths.explanations(*reference) / "study" / "clean.json"))
    write_json(paths.metrics(*cell, "stability.json"), found)


if __name__ == "__main__":
    run(main)
