"""A grammar of news sentences: `(a|b)` is a choice, `{name}` a word of a list or of the story's cast.

Some topics come in pairs that only the order of words tells apart: both use the same sentences,
`{this}` standing for the topic's own word and `{that}` for its partner's.
"""

import re

import numpy as np

from xmlcore.corpora.simulation.resources import read_sections

ANYTHING = "anything"  # the section of sentences that may stand in any story
_SLOT = re.compile(r"\{(\w+)\}|\(([^()]*)\)")


class Grammar:
    """Sentence templates by topic, and the word lists that fill their slots."""

    def __init__(self, templates: dict[str, list[str]], words: dict[str, list[str]]) -> None:
        self.templates = templates
        self.words = words

    @classmethod
    def of_newswire(cls) -> "Grammar":
        templates: dict[str, list[str]] = {}
        for header, lines in read_sections("sentences.txt").items():
            for topic, meanings in _topics_of(header).items():
                templates.setdefault(topic, []).extend(line.format_map(_Slots(meanings)) for line in lines)
        words = {name: " / ".join(lines).split(" / ") for name, lines in read_sections("names.txt").items()}
        return cls(templates, words)

    def cast(self, rng: np.random.Generator) -> dict[str, str]:
        """Draw the place, companies and persons of one story: slots that keep their value from sentence to sentence."""
        country, national, currency, city = self._expand("{place}", {}, rng).split(", ")
        cast = {"country": country, "national": national, "currency": currency, "city": city}
        roles = {"company": "company", "rival": "company", "person": "person", "official": "person"}
        return cast | {role: self._expand(f"{{{kind}}}", {}, rng) for role, kind in roles.items()}

    def sentence(self, template: str, cast: dict[str, str], rng: np.random.Generator) -> str:
        """Return one English sentence made from `template`; raise KeyError where that names an unknown list."""
        text = self._expand(template, cast, rng)
        return text[0].upper() + text[1:]

    def _expand(self, text: str, cast: dict[str, str], rng: np.random.Generator) -> str:
        def fill(slot: re.Match[str]) -> str:
            name, choice = slot.groups()
            if name in cast:
                return cast[name]
            options = self.words[name] if name else choice.split("|")
            return self._expand(options[rng.integers(len(options))], cast, rng)

        return _SLOT.sub(fill, text)


class _Slots(dict[str, str]):
    """Leaves the slots that it does not know as they are."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def _topics_of(header: str) -> dict[str, dict[str, str]]:
    """Return what `{this}` and `{that}` mean for each topic of `header`, which is `X` or `X: word | Y: word`."""
    pair = [part.split(": ") for part in header.split(" | ")]
    if len(pair) == 1:
        return {header: {}}
    (first, first_word), (second, second_word) = pair
    return {first: {"this": first_word, "that": second_word}, second: {"this": second_word, "that": first_word}}
