"""Questions are bounded: what is too long, too many or too slow is refused in a line, and nothing else is told."""

import threading
import time
from typing import Any

import pytest
import torch

from xmlcore.common.errors import UserError
from xmlcore.serving.page.answers import Answers, Limits
from xmlcore.serving.text_classifier import Label, TextClassifier


class Slow:
    """A model that takes its time, or fails."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.seconds, self.error = seconds, error

    def predict(self, text: str, top: int) -> list[Label]:
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return [Label("a", "A", 0.5)] * top


class Computing(Slow):
    """A model that computes for long where the text is long."""

    def predict(self, text: str, top: int) -> list[Label]:
        end = time.monotonic() + len(text)
        while len(text) > 10 and time.monotonic() < end:
            torch.ones(1).add(1)
        return super().predict(text, top)


def answers(model: Any, **limits: Any) -> Answers:
    return Answers({"one": model, "two": model}, Limits(**limits))


def test_every_model_answers(classifier: TextClassifier) -> None:
    found = answers(classifier).predict("the corn harvest", 2)
    assert [*found] == ["one", "two"]
    assert [label["title"] for label in found["one"]][0] == "grain prices" and len(found["one"]) == 2
    why = answers(classifier).explain("the corn harvest", "grain prices", "ig")
    assert why["one"]["method"] == "ig" and {word for word, _ in why["one"]["words"]} == {"the", "corn", "harvest"}
    attacked = answers(classifier).attack("the corn harvest", k=1, max_change=0.7)
    assert attacked["two"]["label"]["title"] == "grain prices" and attacked["two"]["changes"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda ask: ask.predict("  "), "text: there is none"),
        (lambda ask: ask.predict(5), "text: there is none"),
        (lambda ask: ask.predict("corn " * 21), r"text: 105 characters, of 100 at most"),
        (lambda ask: ask.predict("corn", 0), "top: a number from 1 to 50"),
        (lambda ask: ask.predict("corn", "many"), "top: a number"),
        (lambda ask: ask.predict("corn", True), "top: a number"),
        (lambda ask: ask.predict("corn", float("nan")), "top: a number"),
        (lambda ask: ask.explain("corn", "grain prices", "magic"), "method: one of lime, shap, ig"),
        (lambda ask: ask.explain("corn", "grain prices", ["lime"]), "method: one of"),
        (lambda ask: ask.explain("corn", "nobody"), "label: none is called 'nobody'"),
        (lambda ask: ask.attack("corn", goal="win"), "goal: one of"),
        (lambda ask: ask.attack("corn", max_change=2), "max_change: a number from 0 to 1"),
    ],
)
def test_what_is_no_question_is_refused(classifier: TextClassifier, question: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        question(answers(classifier, characters=100))


def test_what_one_model_cannot_answer_is_told_in_its_place(classifier: TextClassifier) -> None:
    class Knows(Slow):
        def explain(self, text: str, label: str, method: str, samples: int) -> Any:
            return classifier.explain(text, "ship", "ig", samples=samples)

    ask = Answers({"no": classifier, "yes": Knows()}, Limits())  # type: ignore[dict-item]
    found = ask.explain("the corn harvest", "nobody")
    assert found["no"]["error"].startswith("label: none is called") and found["yes"]["label"]["title"] == "ship"


def test_what_takes_too_long_is_not_waited_for() -> None:
    with pytest.raises(UserError, match="no answer within 0.05 seconds"):
        answers(Slow(0.2), seconds=0.05).predict("text")


def test_what_takes_too_long_ends_and_the_next_question_is_answered() -> None:
    ask = answers(Computing(), seconds=1)
    with pytest.raises(UserError, match="no answer within 1 seconds"):
        ask.predict("a text that is long")
    assert ask.predict("text")


def test_what_is_being_answered_ends_with_the_server() -> None:
    ask, told = answers(Computing(), seconds=60), []

    def one() -> None:
        with pytest.raises(UserError, match="the server has been stopped") as error:
            ask.predict("a text that is long")
        told.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    ask.close()
    for thread in threads:
        thread.join(5)
    assert len(told) == 3


def test_more_than_may_wait_are_turned_away_and_places_are_given_back() -> None:
    ask = answers(Slow(0.1), waiting=2)
    told: list[str] = []

    def one() -> None:
        try:
            ask.predict("text")
        except UserError as error:
            told.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["2 questions wait already; ask again in a moment"] * 3
    assert ask.predict("text")


def test_what_goes_wrong_is_logged_and_its_details_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UserError, match="went wrong here") as told:
        answers(Slow(error=RuntimeError("/secret/place"))).predict("text")
    assert "secret" not in str(told.value) and "/secret/place" in caplog.text
