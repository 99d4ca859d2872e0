"""Questions to models, one at a time and bounded: how long a text is, how many wait, how long one takes."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore, Event
from typing import Any, get_args

from xmlcore.common.errors import UserError
from xmlcore.serving.choices import Goal, Method, OwnSubstitutes
from xmlcore.serving.page.deadline import Deadline
from xmlcore.serving.rows import attack_row, label_row, words_row
from xmlcore.serving.text_classifier import TextClassifier

MOST_LABELS = 50
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What may be asked."""

    characters: int = 20_000  # of a text
    seconds: float = 30.0  # of a question, its waiting included
    waiting: int = 64  # questions at once
    samples: int = 1000  # copies of a text that an explanation scores


class Answers:
    """What each of `models`, by name, says of a text, as plain data.

    Everything raises `UserError` where a question is none, too much is asked, or the answer does not come in time. What
    one model cannot answer and another can, such as a label that it does not know, is an `error` in its place. What
    goes wrong otherwise is logged, and told as a `UserError` without its details.
    """

    def __init__(self, models: Mapping[str, TextClassifier], limits: Limits) -> None:
        self.models, self.limits = models, limits
        self._worker = ThreadPoolExecutor(1)
        self._places = BoundedSemaphore(limits.waiting)
        self._stopped = Event()

    def close(self) -> None:
        """Answer no more, and give up the question that is being answered."""
        self._stopped.set()
        self._worker.shutdown(cancel_futures=True)

    def predict(self, text: str, top: int = 5) -> dict[str, Any]:
        """Return the labels of `text`, at most `top`, by model."""
        self._check(text)
        most = _whole("top", top)
        return self._ask(lambda model: [label_row(label) for label in model.predict(text, most)])

    def explain(self, text: str, label: str, method: Method = "lime") -> dict[str, Any]:
        """Return which words of `text` speak for and against `label`, by model."""
        self._check(text)
        _one_of("method", method, get_args(Method))
        samples = self.limits.samples
        return self._ask(lambda model: words_row(model.explain(text, str(label), method, samples=samples)))

    def attack(
        self,
        text: str,
        label: str | None = None,
        goal: Goal = "positive",
        substitutes: OwnSubstitutes = "gradient",
        k: int = 5,
        max_change: float = 0.1,
    ) -> dict[str, Any]:
        """Return what an attack on `label`, or on the most probable one, makes of `text`, by model."""
        self._check(text)
        _one_of("goal", goal, get_args(Goal))
        _one_of("substitutes", substitutes, get_args(OwnSubstitutes))
        share, best = _within("max_change", max_change, 0, 1), _whole("k", k)
        aimed = None if label is None else str(label)
        return self._ask(lambda model: attack_row(model.attack(text, aimed, goal, substitutes, best, share)))

    def _check(self, text: Any) -> None:
        if not isinstance(text, str) or not text.strip():
            raise UserError("text: there is none; type or paste one")
        if len(text) > self.limits.characters:
            raise UserError(f"text: {len(text):,} characters, of {self.limits.characters:,} at most; shorten it")

    def _ask(self, question: Callable[[TextClassifier], Any]) -> dict[str, Any]:
        if not self._places.acquire(blocking=False):
            raise UserError(f"{self.limits.waiting} questions wait already; ask again in a moment")
        try:
            deadline = Deadline(time.monotonic() + self.limits.seconds, self._stopped)
            waiting = self._worker.submit(self._answer, question, deadline)
        except BaseException:
            self._places.release()
            raise
        waiting.add_done_callback(lambda _: self._places.release())
        try:
            return waiting.result(self.limits.seconds)
        except (TimeoutError, CancelledError):
            waiting.cancel()
            late = f"no answer within {self.limits.seconds:g} seconds; ask for less, or later"
            raise UserError("the server has been stopped" if self._stopped.is_set() else late) from None
        except UserError:
            raise
        except Exception:
            log.exception("a question failed")
            raise UserError("that went wrong here; what happened is in the log of the server") from None

    def _answer(self, question: Callable[[TextClassifier], Any], deadline: Deadline) -> dict[str, Any]:
        found, faults = {}, []
        for name, model in self.models.items():
            try:
                with deadline:
                    found[name] = question(model)
            except UserError as error:
                found[name] = {"error": str(error)}
                faults.append(error)
        if len(faults) == len(found):
            raise faults[0]
        return found


def _within(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UserError(f"{name}: a number from {least} to {most}")
    return value


def _whole(name: str, value: Any) -> int:
    return int(_within(name, value, 1, MOST_LABELS))


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"{name}: one of {', '.join(choices)}")
