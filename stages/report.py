"""Join everything that was measured and explained into report/index.html and report/report.md.

python stages/report.py
"""

from pathlib import Path

from xmlcore.common.cli import console, run
from xmlcore.common.files import atomic_directory
from xmlcore.config.params import load_params


def main() -> None:
    """Write the report of every corpus, model, regime and loss that params.yaml lists."""
    from xmlcore.report.collect import collect, nearest_epsilon
    from xmlcore.report.provenance import read_provenance
    from xmlcore.report.render import write_report

    params = load_params()
    epsilon = nearest_epsilon(params.fgsm.epsilons, params.report.epsilon)
    if epsilon != params.report.epsilon:
        console.print(f"report.epsilon {params.report.epsilon} is not in fgsm.epsilons: the report shows {epsilon}")
    simulated = [name for name in params.corpora if params.corpus_of(name).fetch.simulation]
    results = collect(Path(), params.corpora, params.models, params.regimes, params.losses, epsilon, simulated)
    provenance = read_provenance(Path(), results.corpora)
    with atomic_directory(Path("report")) as folder:
        write_report(folder, results, provenance)


if __name__ == "__main__":
    run(main)
