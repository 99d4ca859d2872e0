"""How the page is laid out, by gradio; and the same questions for other programs, `/predict`, `/explain`, `/attack`."""

from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio

from xmlcore.common.errors import UserError
from xmlcore.common.printable import printable
from xmlcore.serving.choices import Goal, Method, OwnSubstitutes
from xmlcore.serving.page.answers import Answers
from xmlcore.serving.page.fragments import show_attack, show_words

METHODS: dict[Method, str] = {"lime": "LIME", "shap": "SHAP", "ig": "Integrated Gradients"}
GOALS: dict[Goal, str] = {
    "positive": "the label shall leave the best k",
    "negative": "the label shall enter the best k",
    "non_targeted": "any label shall leave the best k",
}
SUBSTITUTES: dict[OwnSubstitutes, str] = {
    "gradient": "by the gradient",
    "neighbours": "like words",
    "deletion": "none: words are deleted",
}
MOST_PROBABLE = ("the most probable one", "")  # as a choice beside labels, none of which is empty
SHOWN = 10  # labels of a text
COLUMN = 280  # pixels of what stands beside something else, at least


def lay_out(answers: Answers) -> gradio.Blocks:
    """Return the page on which `answers` are asked for, with a column for each model."""
    asking = _Asking(answers)
    # While one is answered, the last of those asked since waits.
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "full", "trigger_mode": "always_last"}
    with gradio.Blocks(title="xmlcore", analytics_enabled=False) as page:
        text = gradio.Textbox(label="Text", lines=6, max_lines=16, max_length=answers.limits.characters)
        ask = gradio.Button("Find labels", variant="primary")
        with gradio.Tab("Labels, and why"):
            by = " · ".join(answers.models)
            with gradio.Row():
                with gradio.Column(min_width=COLUMN):
                    labels = gradio.Radio([], label=f"Labels, with the probability by {by}", elem_classes="labels")
                    method = gradio.Radio(_choices(METHODS), value="lime", label="Explain the chosen label by")
                with gradio.Column(min_width=COLUMN, scale=len(answers.models)):
                    words = _columns(answers)
        with gradio.Tab("Attack"):
            goal = gradio.Radio(_choices(GOALS), value="positive", label="Goal")
            aimed = gradio.Dropdown([MOST_PROBABLE], value="", label="Label")
            substitutes = gradio.Radio(_choices(SUBSTITUTES), value="gradient", label="Substitutes")
            with gradio.Row():
                k = gradio.Slider(1, 10, value=5, step=1, label="k")
                change = gradio.Slider(0.05, 0.5, value=0.1, step=0.05, label="Share of the words that may change")
            attack = gradio.Button("Attack", variant="primary")
            attacked = _columns(answers)
        gradio.on([ask.click, text.submit], asking.labels, text, [labels, aimed, *words, *attacked], **private)
        gradio.on([labels.input, method.input], asking.words, [text, method, labels], words, **private)
        attack.click(asking.changes, [text, aimed, goal, substitutes, k, change], attacked, **private)
        for question in (answers.predict, answers.explain, answers.attack):
            gradio.api(_told(question), api_name=question.__name__)
    return page


def _columns(answers: Answers) -> list[gradio.HTML]:
    """Make a place for what each model says, side by side where there is room."""
    found = []
    with gradio.Row():
        for _ in answers.models:
            with gradio.Column(min_width=COLUMN):
                found.append(gradio.HTML(min_height=80))
    return found


def _choices(names: dict[Any, str]) -> list[tuple[str, str]]:
    return [(name, value) for value, name in names.items()]


def _told(question: Callable[..., Any]) -> Callable[..., Any]:
    """Return `question` with a user's mistake told as gradio tells errors, in one escaped line."""

    @wraps(question)
    def asked(*args: Any, **kwargs: Any) -> Any:
        try:
            return question(*args, **kwargs)
        except UserError as error:
            raise gradio.Error(_line(error), print_exception=False) from None

    return asked


def _line(error: UserError) -> str:
    """Return `error` as HTML, for gradio shows it as such."""
    return escape(printable(str(error)))


class _Asking:
    """What the controls do; everything is returned in the order of the outputs, model by model.

    Where there is no answer a line says why, and the answer to the question before goes.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._blank = [""] * len(answers.models)

    def labels(self, text: str) -> list[Any]:
        """Find the labels of `text`, for both tabs, and take away what was answered of the text before."""
        try:
            found = self._answers.predict(text, SHOWN)
        except UserError as error:
            gradio.Warning(_line(error))
            found = {}
        titles = {label["name"]: printable(label["title"]) for labels in found.values() for label in labels}
        by_model = [{label["name"]: label["probability"] for label in labels} for labels in found.values()]
        order = sorted(titles, key=lambda name: -max(each.get(name, 0.0) for each in by_model))
        choices = [(f"{titles[name]}\N{EM SPACE}{_probabilities(name, by_model)}", name) for name in order]
        labels = gradio.Radio(choices=choices, value=None)
        aimed = gradio.Dropdown(choices=[MOST_PROBABLE, *_choices(titles)], value="")
        return [labels, aimed, *self._blank, *self._blank]

    def words(self, text: str, method: Method, label: str | None) -> list[str]:
        """Explain the `label` that is chosen, if one is."""
        if label is None:
            return self._blank
        return self._shown(show_words, lambda: self._answers.explain(text, label, method))

    def changes(
        self, text: str, aimed: str, goal: Goal, substitutes: OwnSubstitutes, k: int, change: float
    ) -> list[str]:
        """Attack the label that is `aimed` at, the most probable one if it is empty."""
        ask = self._answers.attack
        return self._shown(show_attack, lambda: ask(text, aimed or None, goal, substitutes, k, change))

    def _shown(
        self, show: Callable[[str, dict[str, Any]], str], question: Callable[[], dict[str, dict[str, Any]]]
    ) -> list[str]:
        try:
            return [show(*each) for each in question().items()]
        except UserError as error:
            gradio.Warning(_line(error))
            return self._blank


def _probabilities(label: str, by_model: list[dict[str, float]]) -> str:
    """Return the probability of `label` by each model, a dash where it is none of the best."""
    return " · ".join(f"{found[label]:.3f}" if label in found else "–" for found in by_model)
