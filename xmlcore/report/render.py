"""The report's two forms, an HTML page and a Markdown file, from the same content."""

import os
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from xmlcore.config.params import format_epsilon
from xmlcore.report import (
    explanations,
    faithfulness,
    figures,
    gallery,
    overview,
    ranking,
    sanity,
    stability,
    tables,
    word_examples,
    word_figures,
    word_tables,
)
from xmlcore.report.escaping import html_value, json_in_html, markdown_code_block, markdown_value
from xmlcore.report.headlines import headlines
from xmlcore.report.provenance import Provenance
from xmlcore.report.results import Results
from xmlcore.report.table import percent

SECTIONS = {
    "summary": "Summary",
    "models": "Models compared",
    "data": "Data",
    "performance": "Performance",
    "robustness": "Robustness",
    "sanity": "Sanity checks",
    "squeezing": "Feature squeezing",
    "words": "Word substitution",
    "gallery": "Gallery",
    "faithfulness": "Faithfulness",
    "stability": "Stability",
    "training": "Training",
    "explanations": "Explanations",
    "provenance": "Provenance",
}


def write_report(folder: Path, results: Results, provenance: Provenance) -> None:
    """Write index.html, report.md and figures/NAME.svg into `folder`; the same inputs give the same bytes."""
    content = _content(results, provenance)
    drawings = [figure for figures_of_section in content["figures"].values() for figure in figures_of_section]
    (folder / "figures").mkdir()
    for figure in drawings:
        (folder / "figures" / f"{figure.name}.svg").write_text(figure.svg + "\n", encoding="utf-8")

    for template, name, finalize in (
        ("page.html.j2", "index.html", html_value),
        ("report.md.j2", "report.md", markdown_value),
    ):
        text = _environment(finalize, folder).get_template(template).render(content)
        (folder / name).write_text(text, encoding="utf-8")


def _content(results: Results, provenance: Provenance) -> dict[str, Any]:
    """What the templates show, by the names they use."""
    words_attacked = bool(results.words or results.clusters)
    checks_failed, checks_made = overview.failing(results)
    script = files("xmlcore.report").joinpath("templates/page.js").read_text(encoding="utf-8")
    return {
        "sections": [(id, heading) for id, heading in SECTIONS.items() if words_attacked or id != "words"],
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
        "about": {
            "overview": overview.ABOUT,
            "sanity": sanity.ABOUT,
            "curves": sanity.ABOUT_CURVES,
            "faithfulness": faithfulness.ABOUT,
            "stability": stability.ABOUT,
            "gallery": gallery.ABOUT,
        },
        "meanings": {"checks": [*sanity.CHECKS.values()], "faithfulness": faithfulness.MEANINGS},
        "checks_failed": checks_failed,
        "checks_made": checks_made,
        "failures": sanity.failures(results),
        "threat_models": sanity.threat_models(results),
        "gallery": gallery.gallery(results),
        "faithfulness": faithfulness.methods(results),
        "epsilon": format_epsilon(results.epsilon),
        "headlines": headlines(results),
        "tables": {
            "overview": overview.overview(results),
            "models": ranking.models(results),
            "frequencies": ranking.label_frequencies(results),
            "statistics": tables.statistics(results),
            "precision": tables.performance(results, "P"),
            "ndcg": tables.performance(results, "nDCG"),
            "gap": tables.robustness_gap(results),
            "time": tables.processing_time(results),
            "checks": sanity.checks(results),
            "attacks": sanity.attacks(results),
            "convergence": sanity.convergence(results),
            "squeezing": tables.squeezing(results),
            "word_attacks": word_tables.attacks(results),
            "word_defences": word_tables.defences(results),
            "clusters": word_tables.clusters(results),
            "gallery": gallery.ranks(results),
            "method_agreement": faithfulness.agreement(results),
            "stability": stability.stability(results),
            "training": tables.training(results),
            "completeness": tables.completeness(results),
            "tracked_files": tables.tracked_files(provenance),
            "versions": tables.versions(provenance),
        },
        "figures": {
            "performance": figures.performance(results),
            "epsilon": figures.precision_by_epsilon(results),
            "attacks": sanity.curves(results),
            "faithfulness": faithfulness.intervals(results),
            "squeezing": figures.squeezing(results),
            "word_losses": word_figures.success_by_loss(results),
            "word_regimes": word_figures.success_by_regime(results),
            "word_similarity": word_figures.success_by_similarity(results),
            "learning": figures.learning(results),
            "importance": figures.global_importance(results),
        },
        "word_examples": word_examples.examples(results),
        "local_explanations": explanations.local_explanations(results),
        "page_lists": explanations.page_lists(results),
        "parameters": provenance.parameters,
    }


def _environment(finalize: Callable[[Any], Any], folder: Path) -> Environment:
    """A jinja2 environment in which every value passes through `finalize` and is escaped unless it is Markup."""
    environment = Environment(
        loader=PackageLoader("xmlcore.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "json": json_in_html,
        "code_block": markdown_code_block,
        "link": lambda page: Markup(quote(Path(os.path.relpath(page, folder)).as_posix())),
        "percent": percent,
        "svg": Markup,
    }
    return environment
