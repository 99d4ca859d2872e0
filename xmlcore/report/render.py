"""The report's two forms, an HTML page and a Markdown file, from the same content."""

import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from xmlcore.config.params import format_epsilon
from xmlcore.report import story
from xmlcore.report.escaping import html_value, json_in_html, markdown_code_block, markdown_value
from xmlcore.report.provenance import Provenance
from xmlcore.report.results import Results
from xmlcore.report.sections import (
    accuracy,
    attack_checks,
    certificates,
    explanation_stability,
    faithfulness,
    figures,
    gallery,
    local_explanations,
    overview,
    resistance,
    smoothing,
    tables,
    word_examples,
    word_figures,
    word_tables,
    worst_cases,
)
from xmlcore.report.table import percent


@dataclass(frozen=True)
class Section:
    """A folded part of the report: `templates/sections/ID.html.j2` and its Markdown form."""

    id: str
    heading: str
    about: str  # one line, which is seen while it is folded
    needs: str = "runs"  # the attribute of `Results`, or of one of its runs, without which there is nothing to show

    def is_there(self, results: Results) -> bool:
        """Return whether any training has something to show here."""
        if hasattr(results, self.needs):
            return bool(getattr(results, self.needs))
        return any(getattr(run, self.needs) for run in results.runs.values())


SECTIONS = (
    Section("models", "Models compared", "Every ranking metric on clean test documents, and by label frequency"),
    Section("data", "Data", "Sizes of the corpora"),
    Section("performance", "Performance", "P@k and nDCG@k, clean and attacked"),
    Section("robustness", "Robustness", "P@k and its gap for every strength of the attack"),
    Section("sanity", "Checks of the attacks", "Can the robustness be believed?", "sanity"),
    Section("squeezing", "Feature squeezing", "What squeezing adds", "squeezing"),
    Section("certificates", "Certificates", "What no substitution of words can change", "certification"),
    Section("smoothing", "Votes of random copies", "Certificates for any model", "smoothed"),
    Section("words", "Word substitution", "Which words an attacker changes", "words"),
    Section("gallery", "Gallery", "Attacked documents as every model explains them", "gallery"),
    Section("faithfulness", "Faithfulness", "Do the words named count?", "faithfulness"),
    Section("stability", "Stability", "Do explanations hold still under attack?", "stability"),
    Section("training", "Training", "Epochs, sizes and learning curves"),
    Section("explanations", "Explanations", "Documents explained, and the most important words", "explanations"),
    Section("provenance", "Provenance", "Parameters, hashes of data and models, versions"),
)


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
    """Return what the templates show, by the names they use."""
    script = files("xmlcore.report").joinpath("templates/page.js").read_text(encoding="utf-8")
    return {
        "sections": [section for section in SECTIONS if section.is_there(results)],
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
        "about": {
            "overview": overview.ABOUT,
            "sanity": attack_checks.ABOUT,
            "curves": attack_checks.ABOUT_CURVES,
            "worst_cases": worst_cases.ABOUT,
            "certificates": certificates.ABOUT,
            "smoothing": smoothing.ABOUT,
            "faithfulness": faithfulness.ABOUT,
            "stability": explanation_stability.ABOUT,
            "gallery": gallery.ABOUT,
        },
        "meanings": {"checks": [*attack_checks.CHECKS.values()], "faithfulness": faithfulness.MEANINGS},
        "trained": story.trained(results),
        "findings": story.findings(results),
        "doubts": story.doubts(results),
        "document": story.marked_document(results),
        "failures": attack_checks.failures(results),
        "threat_models": attack_checks.threat_models(results),
        "gallery": gallery.gallery(results),
        "faithfulness": faithfulness.methods(results),
        "epsilon": format_epsilon(results.epsilon),
        "tables": {
            "story": story.table(results),
            "overview": overview.overview(results),
            "models": accuracy.models(results),
            "frequencies": accuracy.label_frequencies(results),
            "statistics": tables.statistics(results),
            "precision": tables.performance(results, "P"),
            "ndcg": tables.performance(results, "nDCG"),
            "gap": tables.robustness_gap(results),
            "sizes": tables.relative_sizes(results),
            "calibration": tables.calibration(results),
            "time": tables.processing_time(results),
            "checks": attack_checks.checks(results),
            "attacks": attack_checks.attacks(results),
            "worst_cases": worst_cases.worst_cases(results),
            "convergence": attack_checks.convergence(results),
            "squeezing": tables.squeezing(results),
            "certificates": certificates.certificates(results),
            "smoothing": smoothing.smoothing(results),
            "word_attacks": word_tables.attacks(results),
            "word_defences": word_tables.defences(results),
            "clusters": word_tables.clusters(results),
            "gallery": gallery.ranks(results),
            "method_agreement": faithfulness.agreement(results),
            "stability": explanation_stability.stability(results),
            "training": tables.training(results),
            "completeness": tables.completeness(results),
            "tracked_files": tables.tracked_files(provenance),
            "versions": tables.versions(provenance),
        },
        "figures": {
            "story": story.picture(results),
            "performance": figures.performance(results),
            "resistance": resistance.resistance(results),
            "epsilon": figures.precision_by_epsilon(results),
            "attacks": attack_checks.curves(results),
            "faithfulness": faithfulness.intervals(results),
            "squeezing": figures.squeezing(results),
            "word_losses": word_figures.success_by_loss(results),
            "word_regimes": word_figures.success_by_regime(results),
            "word_similarity": word_figures.success_by_similarity(results),
            "learning": figures.learning(results),
            "importance": figures.global_importance(results),
        },
        "word_examples": word_examples.examples(results),
        "local_explanations": local_explanations.local_explanations(results),
        "page_lists": local_explanations.page_lists(results),
        "parameters": provenance.parameters,
    }


def _environment(finalize: Callable[[Any], Any], folder: Path) -> Environment:
    """Return a jinja2 environment that passes every value through `finalize` and escapes it unless it is Markup."""
    environment = Environment(
        loader=PackageLoader("xmlcore.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        json=json_in_html,
        code_block=markdown_code_block,
        link=lambda page: Markup(quote(Path(os.path.relpath(page, folder)).as_posix())),
        percent=percent,
        svg=Markup,
    )
    return environment
