"""Whether the robustness of each model can be believed: checks, the figures behind them, and curves of every attack."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from xmlcore.config.params import format_epsilon
from xmlcore.evaluation.results import Attack, AttackPoint, Check, Sanity
from xmlcore.report.drawing import LINES, PAGE_COLOUR, Figure, draw
from xmlcore.report.results import Cell, Results
from xmlcore.report.table import MISSING, NAMES, Column, Row, Table, percent, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHECKS: dict[Check, tuple[str, str]] = {
    "pgd_at_least_fgsm": ("PGD ≥ FGSM", "Many small steps harm at least as much as one large step."),
    "steps_converge": ("Steps converge", "Still more steps change little: the attack has found what it can find."),
    "restarts_converge": ("Restarts converge", "Beginning again elsewhere changes little."),
    "success_grows_with_epsilon": ("Grows with ε", "Who may move further does not do less harm."),
    "noise_weaker_than_fgsm": ("Noise < FGSM", "Random directions harm less than the gradient's."),
    "transfer_weaker_than_white_box": (
        "Transfer < white box",
        "An attack made on another model harms less than one made on this model.",
    ),
    "gradients_not_zero": ("Gradients not zero", "The gradient shows the attack a way, in nearly every document."),
    "straight_through_at_least_unaware": (
        "Aware ≥ unaware",
        "Where a defence rounds, an attack that aims through the rounding harms at least as much as one that ignores "
        "it.",
    ),
    "model_breaks": (
        "Model breaks",
        "Some ε brings P@1 below a tenth of the clean one: no model withstands everything.",
    ),
}
ATTACKS: dict[Literal["clean", Attack, "pgd_l2", "worst"], str] = {
    "clean": "None",
    "noise": "Noise",
    "transfer": "Transfer",
    "fgsm": "FGSM",
    "pgd": "PGD",
    "pgd_margin": "PGD, margin",
    "pgd_top_k": "PGD, top k",
    "pgd_l2": "PGD, L2",
    "worst": "Worst of all",
}
ABOUT = (
    "A model may look robust only because the attack on it is poor. Each check asks for something that a sound attack "
    "shows on any model; where one fails, the P@1 under attack of that model is not to be believed. A check does not "
    "apply where what it compares is not there, such as rounding in a regime that does not round. Power is how likely "
    "a check finds a true loss of three points of P@1 on so many documents; where it is low, one that holds says less.",
)
ABOUT_CURVES = (
    "P@1 of the same documents under every attack, against its strength ε; solid lines move embeddings within an L∞ "
    "ball, dashed ones within an L2 ball. The lowest line is the one that counts: a model is as robust as under the "
    "attack that harms it most.",
)
NORMS = {"linf": "L∞", "l2": "L2"}


def checks(results: Results) -> Table:
    """Tabulate the outcome of every check on every trained model that was checked."""
    columns = (*NAMES, *(name for name, _ in CHECKS.values()), "Documents", "Power (%)")
    rows = _rows(
        results,
        lambda found: (
            *(verdict(found["checks"].get(check)) for check in CHECKS),
            f"{found['documents']:,}",
            percent(found["power"]),
        ),
    )
    return Table("Sanity checks of the attacks", tuple(map(Column, columns)), rows, row_headers=len(NAMES))


def outcome(found: Sanity) -> tuple[int, int]:
    """Count the checks that fail, and all that apply."""
    return sum(not holds for holds in found["checks"].values()), len(found["checks"])


def failures(results: Results) -> dict[str, str]:
    """Return the names of the checks that fail, by the title of the trained model."""
    failing = {
        cell.title: [name for check, (name, _) in CHECKS.items() if run.sanity["checks"].get(check) is False]
        for cell, run in results.runs.items()
        if run.sanity
    }
    return {title: "; ".join(names) for title, names in failing.items() if names}


def attacks(results: Results) -> Table:
    """Tabulate P@1 under every attack of one strength."""
    rows = _rows(
        results,
        lambda found: (
            f"{found['documents']:,}",
            format_epsilon(found["epsilon"]),
            *(percent(found["P@1"].get(attack)) for attack in ATTACKS),
        ),
    )
    columns = (
        *map(Column, (*NAMES, "Documents", "ε")),
        *(Column(name, "P@1 (%) under attack") for name in ATTACKS.values()),
    )
    return Table("The same documents under every attack", columns, rows, row_headers=len(NAMES))


def convergence(results: Results) -> Table:
    """Tabulate what the checks of steps, restarts, gradients and breaking look at."""
    steps, restarts = (
        sorted({count for run in results.runs.values() if run.sanity for count in run.sanity[kind]})
        for kind in ("steps", "restarts")
    )
    rows = _rows(
        results,
        lambda found: (
            *(percent(found["steps"].get(count)) for count in steps),
            *(percent(found["restarts"].get(count)) for count in restarts),
            *_straight_through(found),
            percent(found["zero_gradients"]),
            MISSING if found["breaks_at"] is None else format_epsilon(found["breaks_at"]),
        ),
    )
    columns = (
        *map(Column, NAMES),
        *(Column(str(count), "P@1 (%) by steps of PGD") for count in steps),
        *(Column(str(count), "By restarts") for count in restarts),
        *(Column(name, "Of rounding") for name in ("Unaware", "Aware")),
        Column("Zero gradients (%)"),
        Column("Breaks at ε"),
    )
    return Table("The figures behind the checks", columns, rows, row_headers=len(NAMES))


def threat_models(results: Results) -> dict[str, list[str]]:
    """Return the titles of the trained models by the threat model that they share."""
    found: dict[str, list[str]] = {}
    for cell, run in results.runs.items():
        if run.sanity:
            found.setdefault(run.sanity["threat_model"], []).append(cell.title)
    return found


def curves(results: Results) -> list[Figure]:
    """Draw P@1 against ε under every attack, one figure for each trained model."""
    return [_curve(cell, run.attacks) for cell, run in results.runs.items() if run.attacks]


def _rows(results: Results, show: Callable[[Sanity], Iterable[str]]) -> tuple[Row, ...]:
    return tuple((*cell, *show(run.sanity)) for cell, run in results.runs.items() if run.sanity)


def _straight_through(found: Sanity) -> Iterator[str]:
    precision = found.get("straight_through")
    yield percent(precision["unaware"] if precision else None)
    yield percent(precision["aware"] if precision else None)


def _curve(cell: Cell, points: tuple[AttackPoint, ...]) -> Figure:
    return draw(
        f"attacks-{'-'.join(cell)}",
        f"{cell.title}: P@1 against ε under every attack",
        partial(_paint, points=points),
    )


def _paint(axes: "Axes", points: tuple[AttackPoint, ...]) -> None:
    for attack, (colour, marker) in zip(get_args(Attack), LINES, strict=True):
        for norm, style in zip(NORMS, ("-", "--"), strict=True):
            drawn = [point for point in points if (point["attack"], point["norm"]) == (attack, norm)]
            if drawn:
                axes.plot(
                    [point["epsilon"] for point in drawn],
                    [100 * point["P@1"] for point in drawn],
                    style,
                    color=colour,
                    marker=marker,
                    label=f"{ATTACKS[attack]}, {NORMS[norm]}" if norm == "l2" else ATTACKS[attack],
                )
    axes.set_xlabel("ε")
    strengths = sorted({point["epsilon"] for point in points})
    axes.set_xscale("symlog", linthresh=next(filter(None, strengths), 1))
    axes.set_xticks(strengths, map(format_epsilon, strengths))
    axes.minorticks_off()
    axes.set_ylabel("P@1 (%)")
    axes.set_ylim(bottom=0)
    axes.grid(color=PAGE_COLOUR, alpha=0.15)
