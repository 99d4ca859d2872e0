"""The tables that the pages of docs/results show between `<!-- NAME -->` and `<!-- end -->`, drawn from CSV files."""

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import fmean, stdev

from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.common.intervals import interval, interval_of_share

Rows = list[dict[str, str]]
Read = Callable[[str, Path], Rows]
PAPER = ("xml_cnn_seed",)  # recipes that are there for comparison alone
CELL_OF_ATTACKS = ("corpus", "model", "loss", "generator")
SHOWN_EPSILONS = ("0.02", "0.05", "0.1", "0.2")


def write_pages(folder: Path, read: Read) -> None:
    """Write anew the tables of every page in `folder`."""
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(fill(text, lambda name: read(name, folder)), encoding="utf-8")


def fill(text: str, read: Callable[[str], Rows]) -> str:
    """Return a page with every table that it names drawn anew. Raises `UserError` for a name that is none."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        if name not in VIEWS:
            raise UserError(f"<!-- {name} -->: no such table; choose one of {', '.join(VIEWS)}")
        return f"<!-- {name} -->\n{VIEWS[name](read)}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(value: str, decimals: int = 2) -> str:
    """Return a share as a percentage; nothing where there is none."""
    return f"{100 * float(value):.{decimals}f}" if value else ""


def three(row: dict[str, str], metric: str = "P") -> str:
    """Return P@1 / P@3 / P@5, or the same of another metric."""
    return " / ".join(percent(row[f"{metric}@{k}"]) for k in (1, 3, 5))


def _cell(row: dict[str, str], *names: str) -> list[str]:
    return [row["corpus"], *(f"`{row[name]}`" for name in names)]


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["corpus"], row["model"], row["regime"], row["loss"]


def models(read: Callable[[str], Rows]) -> str:
    """Draw the models side by side, trained clean with plain BCE, below the best linear peer of each corpus."""
    seconds = {_key(row): row for row in read("training_time")}
    plain = [row for row in read("ranking") if (row["regime"], row["loss"]) == ("clean", "bce")]
    rows = []
    for peer in read("peers"):
        rows.append([peer["corpus"], f"*{peer['peer']}*", three(peer), "", "", ""])
        for row in plain:
            if row["corpus"] == peer["corpus"] and row["model"] not in PAPER:
                time = seconds[_key(row)]
                rows.append(
                    [
                        *_cell(row, "model"),
                        three(row),
                        f"{percent(row['nDCG@3'])} / {percent(row['nDCG@5'])}",
                        three(row, "PSP"),
                        f"{float(time['seconds']):.0f} ({time['threads']})",
                    ]
                )
    columns = ("corpus", "model", "P@1 / P@3 / P@5", "nDCG@3 / @5", "PSP@1 / @3 / @5", "training, s (threads)")
    return markdown(columns, rows)


def xml_cnn(read: Callable[[str], Rows]) -> str:
    """Draw XML-CNN with the settings of Sapkal and Savalia (2025), mended, and trained adversarially."""
    clean = {(row["corpus"], row["model"], row["regime"]): row for row in read("fgsm") if float(row["epsilon"]) == 0}
    clean |= {
        (r["corpus"], r["model"], r["regime"]): r
        for r in read("ranking")
        if (r["regime"], r["loss"]) == ("clean", "bce")
    }
    wanted = (("xml_cnn_seed", "clean"), ("xml_cnn", "clean"), ("xml_cnn", "adversarial"))
    rows = []
    for peer in read("peers"):
        found = [clean.get((peer["corpus"], *each)) for each in wanted]
        if any(found):
            rows.append([peer["corpus"], three(peer), *(three(each) if each else "" for each in found)])
    columns = ("corpus", "best linear peer", "settings of the paper, clean", "mended, clean", "mended, adversarial")
    return markdown(columns, rows)


def fgsm(read: Callable[[str], Rows]) -> str:
    """Draw P@1 of XML-CNN under FGSM, trained clean and adversarially."""
    found = {(row["corpus"], row["regime"], row["epsilon"]): row for row in read("fgsm") if row["model"] == "xml_cnn"}
    rows = []
    for corpus in dict.fromkeys(corpus for corpus, _, _ in found):
        for epsilon in SHOWN_EPSILONS:
            clean, robust = (found.get((corpus, regime, epsilon)) for regime in ("clean", "adversarial"))
            if not (clean and robust):
                continue
            reduction = 1 - float(robust["gap@1"]) / float(clean["gap@1"])
            rows.append(
                [
                    corpus,
                    f"{float(epsilon):.2f}",
                    *(percent(each[key]) for each in (clean, robust) for key in ("P@1", "gap@1")),
                    f"{100 * reduction:.1f} %",
                ]
            )
    columns = (
        "corpus",
        "ε",
        "trained clean: P@1 attacked",
        "gap",
        "adversarially: P@1 attacked",
        "gap",
        "gap reduced by",
    )
    return markdown(columns, rows)


def seeds(read: Callable[[str], Rows]) -> str:
    """Draw the mean and the standard deviation over seeds, of clean P@k and of P@1 under FGSM."""
    trainings: dict[tuple[str, ...], Rows] = {}
    for row in read("seeds"):
        trainings.setdefault(_key(row), []).append(row)
    rows = []
    for of_one in trainings.values():
        columns = [[100 * float(row[name]) for row in of_one] for name in ("P@1", "P@3", "P@5", "attacked_P@1")]
        spread = [f"{fmean(each):.2f}" + (f" ± {stdev(each):.2f}" if len(each) > 1 else "") for each in columns]
        rows.append([*_cell(of_one[0], "model", "regime"), str(len(of_one)), *spread])
    return markdown(("corpus", "model", "regime", "seeds", "P@1", "P@3", "P@5", "P@1, FGSM at ε = 0.1"), rows)


def losses(read: Callable[[str], Rows]) -> str:
    """Draw MACH with plain and rebalanced losses, and the recall of its rarest labels."""
    bins: dict[tuple[str, ...], Rows] = {}
    for row in read("label_frequency"):
        if row["frequency"] != "0" and int(row["labels"]) > 1:
            bins.setdefault(_key(row), []).append(row)
    rows = [
        [
            *_cell(row, "loss"),
            percent(row["P@1"]),
            f"{percent(row['PSP@1'])} / {percent(row['PSP@5'])}",
            *(f"{percent(each['recall@5'])} ({each['frequency']})" for each in bins[_key(row)][:2]),
        ]
        for corpus in ("tibkat", "delicious")
        for row in read("ranking")
        if (row["corpus"], row["model"], row["regime"]) == (corpus, "mach", "clean")
    ]
    columns = ("corpus", "loss", "P@1", "PSP@1 / PSP@5", "recall@5, rarest labels", "recall@5, next")
    return markdown(columns, rows)


def attack_checks(read: Callable[[str], Rows]) -> str:
    """Draw P@1 under every attack at one epsilon, and the checks."""
    attacks = ("clean", "noise", "transfer", "fgsm", "pgd", "pgd_margin", "pgd_top_k", "pgd_l2", "worst")
    rows = [
        [
            *_cell(row, "model", "regime"),
            *(percent(row[f"P@1.{attack}"], 0) for attack in attacks),
            row["breaks_at"],
            f"fails: `{row['failing']}`" if row["failing"] else f"all {row['checks']} hold",
        ]
        for row in read("attack_checks")
    ]
    names = ("clean", "noise", "transfer", "FGSM", "PGD", "margin", "top 5", "L2", "worst of all L∞")
    return markdown(("corpus", "model", "regime", *names, "broken at ε", "checks"), rows)


def worst_cases(read: Callable[[str], Rows]) -> str:
    """Draw P@1 after each attack in turn on the documents that still stand."""
    attacks = ("clean", "fgsm", "pgd_margin", "apgd", "apgd_margin", "fab", "square")
    rows = [
        [
            *_cell(row, "model", "regime"),
            row["documents"],
            f"{float(row['relative_size']):.2f}",
            *(percent(row[f"P@1.{attack}"], 1) for attack in attacks),
            f"{percent(row['worst.low'], 1)} to {percent(row['worst.high'], 1)}",
        ]
        for row in read("worst_cases")
    ]
    names = ("clean", "FGSM", "PGD, margin", "Auto-PGD", "Auto-PGD, margin", "FAB", "Square", "95 % interval")
    return markdown(("corpus", "model", "regime", "documents", "relative size", *names), rows)


def certificates(read: Callable[[str], Rows]) -> str:
    """Draw P@k with every word substituted: clean, attacked and certified."""
    rows = [
        [
            *_cell(row, "model", "regime"),
            f"{float(row['substitutes']):.2f}",
            *(
                " / ".join(percent(row.get(f"{kind}.P@{k}", "")) for k in (1, 3, 5)).strip(" /")
                for kind in ("clean", "attacked", "certified", "certified_few")
            ),
            row["violations"],
        ]
        for row in read("certificates")
    ]
    kinds = ("clean P@1 / P@3 / P@5", "attacked", "certified", "certified, a tenth of the words")
    names = (*kinds, "certificates that the attack broke")
    return markdown(("corpus", "model", "regime", "substitutes a word", *names), rows)


def calibration(read: Callable[[str], Rows]) -> str:
    """Draw calibration error and F1 on test documents, before and after what was fitted on validation documents."""
    pairs = (
        ("expected_calibration_error", "expected_calibration_error_calibrated"),
        ("micro_F1", "micro_F1_threshold"),
        ("macro_F1", "macro_F1_thresholds"),
    )
    rows = [
        [*_cell(row, "model", "regime"), *(f"{percent(row[one])} -> {percent(row[other])}" for one, other in pairs)]
        for row in read("calibration")
    ]
    return markdown(("corpus", "model", "regime", "calibration error", "micro F1", "macro F1"), rows)


def word_attacks(read: Callable[[str], Rows]) -> str:
    """Draw the share of attacks that succeed, and succeed at a similarity of 0.8.

    The models are those trained clean with BCE, and the linear classifier.
    """
    goals = ("positive", "negative", "negative_clustered", "non_targeted")
    found = {
        (*_key(row), row["generator"], row["goal"]): row
        for row in read("word_attacks")
        if (row["regime"], row["loss"]) in (("clean", "bce"), paths.LINEAR[1:])
    }
    rows = []
    for key in dict.fromkeys(key[:5] for key in found):
        of_goals, positive = [found.get((*key, goal)) for goal in goals], found.get((*key, "positive"))
        if not positive:
            continue
        rows.append(
            [
                key[0],
                f"`{key[1]}`",
                f"`{key[4]}`",
                *(
                    f"{percent(r['success_rate'], 0)} ({percent(r['success_rate@0.80'], 0)})" if r else ""
                    for r in of_goals
                ),
                f"{float(positive['similarity']):.2f}" if positive["similarity"] else "",
                f"{percent(positive['change_rate'], 1)} %" if positive["change_rate"] else "",
                f"{float(positive['queries']):.0f}",
            ]
        )
    columns = (
        "corpus",
        "model",
        "substitutes",
        *(f"`{goal}`" for goal in goals),
        "similarity",
        "words changed",
        "queries",
    )
    return markdown(columns, rows)


def word_defences(read: Callable[[str], Rows]) -> str:
    """Draw attacks on positive targets by training."""
    found = {(*_key(row), row["generator"]): row for row in read("word_attacks") if row["goal"] == "positive"}
    rows = []
    for key in dict.fromkeys(key[:4] for key in found):
        fitting = found.get((*key, "masked_lm")) or found.get((*key, "neighbours"))
        gradient = found.get((*key, "gradient"))
        if fitting and gradient:
            cells = [(each["success_rate"], each["accuracy_under_attack"]) for each in (fitting, gradient)]
            names = [key[0], *(f"`{name}`" for name in key[1:])]
            rows.append(
                [*names, percent(fitting["clean_accuracy"], 0), *(percent(v, 0) for pair in cells for v in pair)]
            )
    columns = (
        "right before",
        "success, language model or neighbours",
        "right after",
        "success, gradient",
        "right after",
    )
    return markdown(("corpus", "model", "regime", "loss", *columns), rows)


def word_frequency(read: Callable[[str], Rows]) -> str:
    """Draw attacks on positive targets by label frequency: success and what is right after them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in read("word_attacks_by_frequency"):
        if row["goal"] == "positive" and row["generator"] in ("masked_lm", "neighbours") and row["regime"] == "clean":
            rates = f"{percent(row['success_rate'], 0)} → {percent(row['accuracy_under_attack'], 0)}"
            found.setdefault(_key(row), []).append(f"{row['lowest']}-{row['highest']}: {rates}")
    rows = [[key[0], f"`{key[1]}`", f"`{key[3]}`", *(cells + [""] * 4)[:4]] for key, cells in found.items()]
    return markdown(("corpus", "model", "loss", "rarest labels", "", "", "most frequent"), rows)


def word_seeds(read: Callable[[str], Rows]) -> str:
    """Draw the share of attacks on words that succeed, those of all seeds together, on models trained with BCE."""
    goals = ("positive", "negative", "negative_clustered")
    found = _grouped([row for row in read("word_seeds") if row["loss"] == "bce"], *CELL_OF_ATTACKS)
    rows = []
    for key, of_cell in found.items():
        of_goals = _grouped(of_cell, "goal")
        attacks = [sum(int(row["samples"]) for row in of_goals.get((goal,), [])) for goal in goals]
        shares = [_pooled(of_goals[goal,]) if (goal,) in of_goals else "" for goal in goals]
        rows.append([*_named(key), _seeds(of_cell), " / ".join(map(str, attacks)), *shares])
    names = ("corpus", "model", "loss", "substitutes", "seeds", "attacks")
    return markdown((*names, *(f"`{goal}`" for goal in goals)), rows)


def word_seeds_frequency(read: Callable[[str], Rows]) -> str:
    """Draw the share of attacks on positive targets that succeed by label frequency, those of all seeds together."""
    rows = []
    for key, of_cell in _grouped(_positive(read), *CELL_OF_ATTACKS).items():
        shares = [_pooled(of_bin) for of_bin in _by_bin(of_cell)]
        rows.append([*_named(key), _seeds(of_cell), *(shares + [""] * 4)[:4]])
    names = ("corpus", "model", "loss", "substitutes", "seeds")
    return markdown((*names, "rarest labels", "", "", "most frequent"), rows)


def word_seeds_losses(read: Callable[[str], Rows]) -> str:
    """Draw how many more labels are right after attacks on positive targets than with BCE: mean over the seeds."""
    rows = []
    for key, of_model in _grouped(_positive(read), "corpus", "model", "generator").items():
        of_losses = _grouped(of_model, "loss")
        plain = _right_after(of_losses.pop(("bce",), []))
        for (loss,), of_loss in of_losses.items():
            cells = []
            for figures, before in zip(_right_after(of_loss), plain, strict=True):
                more = [100 * (share - before[seed]) for seed, share in figures.items() if seed in before]
                cells.append(_signed(more))
            rows.append([key[0], f"`{key[1]}`", f"`{loss}`", _seeds(of_loss), *(cells + [""] * 4)[:4]])
    return markdown(("corpus", "model", "loss", "seeds", "rarest labels", "", "", "most frequent"), rows)


def _positive(read: Callable[[str], Rows]) -> Rows:
    return [row for row in read("word_seeds") if row["goal"] == "positive"]


def _grouped(rows: Rows, *names: str) -> dict[tuple[str, ...], Rows]:
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _named(key: tuple[str, ...]) -> list[str]:
    return [key[0], *(f"`{name}`" for name in key[1:])]


def _seeds(rows: Rows) -> str:
    return str(len({row["seed"] for row in rows}))


def _by_bin(rows: Rows) -> list[Rows]:
    """Return the rows of the rarest range of labels of every seed together, those of the next, and so on."""
    by_seed = _grouped(sorted(rows, key=lambda row: int(row["lowest"])), "seed").values()
    return [[row for row in of_bin if row] for of_bin in zip_longest(*by_seed)]


def _right_after(rows: Rows) -> list[dict[str, float]]:
    """Return, of each range of label frequency, what is right after the attacks, by seed."""
    return [{row["seed"]: float(row["accuracy_under_attack"]) for row in of_bin} for of_bin in _by_bin(rows)]


def _signed(values: Sequence[float]) -> str:
    """Return the mean of `values` with its sign and, of several, its interval."""
    found = interval(values)
    if not found or len(values) == 1:
        return f"{found['mean']:+.1f}" if found else ""
    return f"{found['mean']:+.1f} [{found['low']:+.1f}, {found['high']:+.1f}]"


def _pooled(rows: Rows) -> str:
    """Return the share of the attacks of `rows` that succeed, in percent, with Wilson's interval; none, and nothing."""
    right = [round(int(row["samples"]) * float(row["clean_accuracy"])) for row in rows]
    if not any(right):
        return ""
    fell = sum(round(count * float(row["success_rate"])) for count, row in zip(right, rows, strict=True))
    share = interval_of_share(fell, sum(right))
    return f"{100 * share['mean']:.1f} [{100 * share['low']:.1f}, {100 * share['high']:.1f}]"


def faithfulness(read: Callable[[str], Rows]) -> str:
    """Draw how far each explainer can be believed."""
    seconds = {_key(row): row for row in read("explanation_time")}
    rows = [
        [
            *_cell(row, "model", "regime", "method"),
            *(_interval(row, f"{removal}.naopc") for removal in ("masking", "deletion")),
            *(_number(row[name]) for name in ("tau_leave_one_out", "sparseness", "sensitivity", "randomised")),
            f"R² {_number(row['r2'])}" if row["r2"] else f"δ {float(row['delta']):.3f}" if row["delta"] else "",
            _number(seconds.get(_key(row), {}).get(row["method"], "")),
        ]
        for row in read("faithfulness")
    ]
    names = ("normalised AOPC, masked", "deleted", "τ, leave one out", "sparseness", "sensitivity", "shuffled weights")
    return markdown(("corpus", "model", "regime", "method", *names, "R² or δ", "seconds"), rows)


def explanation_stability(read: Callable[[str], Rows]) -> str:
    """Draw how alike explanations are under attack, and to those of the clean model."""
    figures = [f"{of}.{name}" for of in ("attacked", "reference") for name in ("rank_correlation", "overlap")]
    rows = [
        [*_cell(row, "model", "regime", "method"), *(_interval(row, each) for each in figures)]
        for row in read("explanation_stability")
    ]
    names = ("clean and attacked: rank correlation", "top 10", "with the clean model: rank correlation", "top 10")
    return markdown(("corpus", "model", "regime", "method", *names), rows)


def _interval(row: dict[str, str], name: str) -> str:
    mean, low, high = (row.get(f"{name}.{part}", "") for part in ("mean", "low", "high"))
    return f"{float(mean):.2f} [{float(low):.2f}, {float(high):.2f}]" if mean else ""


def _number(value: str) -> str:
    return f"{float(value):.2f}" if value else ""


VIEWS = {
    view.__name__: view
    for view in (
        models,
        xml_cnn,
        fgsm,
        losses,
        seeds,
        attack_checks,
        worst_cases,
        certificates,
        calibration,
        word_attacks,
        word_defences,
        word_frequency,
        word_seeds,
        word_seeds_frequency,
        word_seeds_losses,
        faithfulness,
        explanation_stability,
    )
}
