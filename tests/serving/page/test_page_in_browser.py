"""The page in headless Chromium: typing, clicking, hostile texts and labels, wide and narrow, light and dark."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from news import LABELS, TEXTS
from playwright.sync_api import Browser, Page, Route, expect
from served import served

from xmlcore.serving.estimator import XMLClassifier
from xmlcore.serving.page.answers import Answers, Limits
from xmlcore.serving.text_classifier import TextClassifier, load_classifier

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
EVIL = "<img/src=x/onerror=alert(1)>"
HOSTILE = "<script>alert(1)</script> ${alert(2)} {{7*7}} \u202e\u0000 " + "w" * 300


@pytest.fixture(scope="module")
def address(classifier: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    texts, labels = [*TEXTS, *[HOSTILE] * 8], [*LABELS, *[[EVIL]] * 8]
    folder = XMLClassifier("bag_of_words", epochs=8).fit(texts, labels).save(tmp_path_factory.mktemp("models") / "m")
    models = {"plain": classifier, "knows <b>evil</b>": load_classifier(Path(folder))}
    with served(Answers(models, Limits(characters=2000, samples=60))) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Any]:
    """Opens the page with the settings it is given; nothing may complain, or be asked of another machine."""
    troubles: list[str] = []
    contexts = []

    def open_page(**settings: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda message: message.type == "error" and troubles.append(f"console: {message.text}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: asked.url.startswith(("data:", address)) or troubles.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def ask(page: Page, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Find labels").click()
    page.wait_for_selector(".labels label input")


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_labels_are_found_and_a_click_says_why_in_every_way(opened: Any) -> None:
    page = opened()
    ask(page, "the corn and wheat harvest")
    first = page.locator(".labels label").first
    expect(first).to_have_text(re.compile(r"grain prices\s+[01]\.\d{3} · [01]\.\d{3}"))
    first.click()
    answers = page.locator(".answer:visible")
    expect(answers).to_have_count(2)
    expect(answers.first).to_contain_text("grain prices: probability")
    expect(answers.first.locator("th", has_text="corn")).to_be_visible()
    label, answer = first.bounding_box(), answers.first.bounding_box()
    assert label and answer and answer["x"] > label["x"] + label["width"]
    weights = answers.first.inner_text()
    for name in ("SHAP", "Integrated Gradients"):
        page.get_by_label(name, exact=True).click()
        expect(answers.first).not_to_have_text(weights, use_inner_text=True)
        weights = answers.first.inner_text()
    ask(page, "a tanker leaves the harbour")
    expect(page.locator(".labels label").first).to_contain_text("ship")
    expect(page.locator(".answer:visible")).to_have_count(0)


@contextmanager
def held_back(page: Page) -> Iterator[None]:
    """Hold the next question back on its way to the server, until the end."""
    held: list[Route] = []
    page.route("**/queue/join*", lambda route: held.append(route), times=1)
    yield
    while not held:
        page.wait_for_timeout(20)
    page.wait_for_timeout(300)  # in which another question could overtake it
    held.pop().continue_()


def test_of_two_quick_clicks_the_last_one_is_answered(opened: Any) -> None:
    page = opened()
    ask(page, "the corn and wheat harvest")
    with held_back(page):
        page.locator(".labels label").first.click()
        page.locator(".labels label", has_text="ship").click()
    expect(page.locator(".answer:visible").first).to_contain_text("ship: probability")


def test_a_label_and_then_a_method_are_answered_in_this_order(opened: Any) -> None:
    page = opened()
    ask(page, "the corn and wheat harvest")
    grain, ship = (page.locator(".labels label", has_text=name) for name in ("grain", "ship"))
    first = page.locator(".answer:visible").first
    page.get_by_label("Integrated Gradients", exact=True).click()
    ship.click()
    expect(first).to_contain_text("ship: probability")
    by_gradients = first.inner_text()
    page.get_by_label("LIME", exact=True).click()
    grain.click()
    expect(first).to_contain_text("grain prices: probability")
    with held_back(page):
        ship.click()
        page.get_by_label("Integrated Gradients", exact=True).click()
        page.wait_for_timeout(300)
        expect(first).to_contain_text("grain prices: probability")
    expect(first).to_have_text(by_gradients, use_inner_text=True)


def test_an_attack_shows_what_changed_on_both_models(opened: Any) -> None:
    page = opened()
    ask(page, "the corn and wheat harvest")
    page.get_by_role("tab", name="Attack").click()
    page.get_by_label("none: words are deleted").click()
    page.get_by_role("spinbutton", name="Share of the words").fill("0.5")
    page.get_by_role("button", name="Attack").click()
    answers = page.locator(".answer:visible")
    expect(answers).to_have_count(2)
    expect(answers.first).to_contain_text("Labels before")
    expect(answers.first).to_contain_text("similarity")
    expect(answers.nth(1)).to_contain_text("knows <b>evil</b>")
    changed = [word.inner_text() for word in answers.first.locator("table del").all()]
    assert changed and sorted(changed) == sorted(word.inner_text() for word in answers.first.locator("p del").all())
    page.get_by_role("button", name="Find labels").click()
    expect(answers).to_have_count(0)


@pytest.mark.parametrize("settings", [{}, {"viewport": PHONE}, {"color_scheme": "dark"}], ids=["wide", "phone", "dark"])
def test_hostile_texts_and_labels_are_shown_as_text(opened: Any, settings: dict[str, Any]) -> None:
    page = opened(**settings)
    ask(page, HOSTILE)
    expect(page.locator(".labels label").first).to_contain_text(EVIL)
    page.locator(".labels label", has_text="ship").click()
    expect(page.locator(".answer:visible")).to_have_count(2)
    page.get_by_role("tab", name="Attack").click()
    page.get_by_role("button", name="Attack").click()
    expect(page.locator(".answer:visible").nth(1)).to_contain_text(EVIL)
    assert page.locator(".answer script, .answer img, .labels img, .labels script").count() == 0
    assert fits(page)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background != "rgb(255, 255, 255)") == (settings.get("color_scheme") == "dark")


def test_a_mistake_is_one_line_on_the_page(opened: Any) -> None:
    page = opened()
    page.get_by_role("button", name="Find labels").click()
    expect(page.get_by_text("text: there is none; type or paste one")).to_be_visible()
    ask(page, "the corn and wheat harvest")
    page.locator(".labels label", has_text=EVIL).click()
    expect(page.get_by_text(f"label: none is called '{EVIL}'")).to_be_visible()
    page.get_by_label("Text", exact=True).fill("")
    page.get_by_role("button", name="Find labels").click()
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator(".labels label")).to_have_count(0)
    assert "Traceback" not in page.content()


def test_the_page_itself_names_no_other_machine(opened: Any, address: str) -> None:
    page = opened()
    found = page.eval_on_selector_all("[src], link[href]", "all => all.map(each => each.src || each.href)")
    assert found and {urlsplit(each).netloc for each in found} <= {urlsplit(address).netloc, ""}
