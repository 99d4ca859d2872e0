"""The tables of the report as plain data, ready for HTML and Markdown; numbers follow Sapkal and Savalia (2025)."""

import math
from statistics import fmean

from xmlcore.config.params import format_epsilon
from xmlcore.evaluation.results import SqueezedEvaluation
from xmlcore.report.provenance import Provenance
from xmlcore.report.results import Results, Run
from xmlcore.report.sections.gap import measured
from xmlcore.report.table import MISSING, NAMES, Column, Table, percent, seconds

CUTOFFS = (1, 3, 5)
SQUEEZES = ("none", "embeddings", "outputs", "both")
ATTACKERS = ("none", "unaware", "aware")


def statistics(results: Results) -> Table:
    """Return Table 1: the sizes of each corpus, as each model reads it."""
    columns = (
        "Corpus",
        "As read by",
        "Train",
        "Validation",
        "Test",
        "Vocabulary",
        "Labels",
        "Labels per document",
        "Documents per label",
        "Tokens per train document",
        "Tokens per test document",
    )
    rows = tuple(
        (corpus, model, *(f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" for value in counts.values()))
        if counts
        else (corpus, model, *[MISSING] * (len(columns) - 2))
        for (corpus, model), counts in results.statistics.items()
    )
    return Table("Table 1. Data statistics", tuple(map(Column, columns)), rows, row_headers=2)


def performance(results: Results, metric: str) -> Table:
    """Return Table 2 if `metric` is "P", or the same of "nDCG": clean and attacked, base and robust, by cut-off."""
    rows = tuple(
        (
            results.title(experiment),
            f"{metric}@{k}",
            *(
                percent(measured(run, epsilon, f"{metric}@{k}"))
                for run in (experiment.base, experiment.robust)
                for epsilon in (0, results.epsilon)
            ),
        )
        for experiment in results.experiments
        for k in CUTOFFS
    )
    columns = (
        Column("Corpus"),
        Column("Metric"),
        *(Column(name, group) for group in ("Base", "Robust") for name in ("Clean", "Attacked")),
    )
    number = "Table 2. " if metric == "P" else ""
    attack = f"the attack is FGSM at ε = {format_epsilon(results.epsilon)}"
    return Table(f"{number}Performance, {metric}@k (%); {attack}", columns, rows, row_headers=2)


def robustness_gap(results: Results) -> Table:
    """Tabulate clean minus attacked P@k (equation 17) for every epsilon of the sweep."""
    rows = tuple(
        (
            results.title(experiment),
            format_epsilon(epsilon),
            *(
                percent(measured(run, epsilon, f"gap@{k}"))
                for run in (experiment.base, experiment.robust)
                for k in CUTOFFS
            ),
        )
        for experiment in results.experiments
        for epsilon in sorted({e["epsilon"] for _, run in experiment.runs() for e in run.evaluations} - {0})
    )
    columns = (
        Column("Corpus"),
        Column("ε"),
        *(Column(f"gap@{k}", group) for group in ("Base", "Robust") for k in CUTOFFS),
    )
    return Table("Robustness gap: clean minus attacked P@k, in points, for every ε", columns, rows, row_headers=2)


def relative_sizes(results: Results) -> Table:
    """Tabulate P@1 where FGSM moves the tokens of every model by the same share of their mean norm."""
    sizes = sorted({round(each["relative_size"], 9) for run in results.runs.values() for each in run.of_sizes})
    rows = tuple(
        (*cell, *(percent(found.get(size)) for size in sizes))
        for cell, run in results.runs.items()
        for found in [{round(each["relative_size"], 9): each["P@1"] for each in run.of_sizes}]
        if found
    )
    columns = (*map(Column, NAMES), *(Column(f"{size:g}", "L2 size of the change, in mean norms") for size in sizes))
    return Table("P@1 (%) where FGSM moves the tokens of all models as far", columns, rows, row_headers=len(NAMES))


def calibration(results: Results) -> Table:
    """Tabulate how far off probabilities are, and F1, raw and with what validation documents taught."""
    rows = tuple(
        (
            *cell,
            f"{found['temperature']:.2f}",
            *(percent(found[name]) for name in ("expected_calibration_error", "expected_calibration_error_calibrated")),
            *(percent(found[name]) for name in ("micro_F1", "micro_F1_threshold", "macro_F1", "macro_F1_thresholds")),
        )
        for cell, run in results.runs.items()
        if (found := run.calibration)
    )
    pairs = (("raw", "calibrated"), ("at 0.5", "at the threshold"), ("at 0.5", "at its thresholds"))
    groups = ("Calibration error (%)", "Micro F1 (%)", "Macro F1 (%)")
    columns = (Column(name, group) for group, pair in zip(groups, pairs, strict=True) for name in pair)
    head = (*map(Column, NAMES), Column("Temperature"))
    return Table("Probabilities and thresholds", (*head, *columns), rows, row_headers=len(NAMES))


def processing_time(results: Results) -> Table:
    """Return Table 3: wall-clock seconds of training and of testing."""
    columns = (
        Column("Corpus"),
        *(Column(name, group) for group in ("Clean training", "Adversarial training") for name in ("Train", "Test")),
    )
    rows = tuple(
        (
            results.title(experiment),
            *(
                seconds(run.seconds.get(stage) if run else None)
                for run in (experiment.base, experiment.robust)
                for stage in ("train", "evaluate")
            ),
        )
        for experiment in results.experiments
    )
    return Table("Table 3. Processing time in seconds", columns, rows)


def training(results: Results) -> Table:
    """Tabulate the length and outcome of each training."""
    rows = tuple(
        (
            results.title(experiment),
            name,
            *(
                (
                    f"{run.training['parameters']:,}",
                    str(run.training["epochs"]),
                    str(run.training["best_epoch"]),
                    percent(run.training["validation_P@1"]),
                )
                if run.training
                else [MISSING] * 4
            ),
        )
        for experiment in results.experiments
        for name, run in experiment.runs()
    )
    columns = ("Corpus", "Model", "Parameters", "Epochs", "Best epoch", "Validation P@1")
    return Table("Training", tuple(map(Column, columns)), rows, row_headers=2)


def squeezing(results: Results) -> Table:
    """Tabulate the feature squeezing ablation: without attack, and under an attacker unaware and aware of it."""
    rows = tuple(
        (
            results.title(experiment),
            squeeze,
            attacker,
            *(
                percent(found[key] if found else None)
                for run in (experiment.base, experiment.robust)
                for found in [squeezed(run, results.epsilon, squeeze, attacker)]
                for key in ("P@1", "P@3", "P@5", "tied")
            ),
        )
        for experiment in results.experiments
        if any(run.squeezing for _, run in experiment.runs())
        for squeeze in SQUEEZES
        for attacker in ATTACKERS
    )
    columns = (
        *map(Column, ("Corpus", "Squeezed", "Attacker")),
        *(Column(name, group) for group in ("Base", "Robust") for name in ("P@1", "P@3", "P@5", "Tied")),
    )
    caption = f"Feature squeezing (%), FGSM at ε = {format_epsilon(results.epsilon)}"
    return Table(caption, columns, rows, row_headers=3)


def squeezed(run: Run | None, epsilon: float, squeeze: str, attacker: str) -> SqueezedEvaluation | None:
    """Return the evaluation of one row of the ablation, None where there is none; attacker "none" is the clean one.

    Without squeezing there is nothing to be aware of, and either attacker is the same.
    """
    strength = 0 if attacker == "none" else epsilon
    any_attacker = attacker == "none" or squeeze == "none"
    for row in run.squeezing if run else ():
        if (
            row["squeeze"] == squeeze
            and math.isclose(row["epsilon"], strength, abs_tol=1e-9)
            and (any_attacker or row["attacker"] == attacker)
        ):
            return row
    return None


def completeness(results: Results) -> Table:
    """Tabulate how well the Integrated Gradients of each model sum to the change of the logit that they share out."""
    rows = []
    for experiment in results.experiments:
        for name, run in experiment.runs():
            labels = [label for label in run.explained("ig") if "delta" in label]
            if labels:
                changes = [abs(label["logit"] - label["baseline_logit"]) for label in labels]
                errors = [abs(label["delta"]) for label in labels]
                figures = (fmean(changes), fmean(errors), max(errors))
                rows.append(
                    (results.title(experiment), name, str(len(labels)), *(f"{figure:.4f}" for figure in figures))
                )
    columns = ("Corpus", "Model", "Predictions", "Mean |change of the logit|", "Mean |δ|", "Largest |δ|")
    return Table("Completeness of Integrated Gradients", tuple(map(Column, columns)), tuple(rows), row_headers=2)


def tracked_files(provenance: Provenance) -> Table:
    """Tabulate the hashes in dvc.lock, sources first."""
    rows = tuple((file.path, file.stage or "source", file.md5 or MISSING) for file in provenance.files)
    return Table("Data and code, from dvc.lock", tuple(map(Column, ("Path", "Written by", "md5"))), rows, numbers=False)


def versions(provenance: Provenance) -> Table:
    return Table("Libraries", tuple(map(Column, ("Library", "Version"))), provenance.versions, numbers=False)
