"""Descriptors in the manner of EuroVoc: subjects and measures of a field, every pair of the two, and countries."""

from dataclasses import dataclass

import numpy as np

from xmlcore.corpora.simulation.resources import read_sections

FIELD_EXPONENT, TERM_EXPONENT = 0.4, 0.8  # of the power laws of fields, and of the terms of one list


@dataclass(frozen=True)
class Term:
    """A descriptor and its characteristic words, the most frequent first."""

    name: str
    words: tuple[str, ...]
    share: float  # of its list


@dataclass(frozen=True)
class Field:
    words: tuple[str, ...]
    subjects: tuple[Term, ...]
    measures: tuple[Term, ...]
    share: float


@dataclass(frozen=True)
class Thesaurus:
    fields: tuple[Field, ...]
    countries: tuple[Term, ...]
    legal_words: tuple[str, ...]

    @classmethod
    def of_eurovoc(cls) -> "Thesaurus":
        sections = read_sections("eurovoc.txt")
        names = [header.removesuffix(" subjects") for header in sections if header.endswith(" subjects")]
        fields = tuple(
            Field(
                _words(sections[f"{name} words"]),
                _terms(sections[f"{name} subjects"]),
                _terms(sections[f"{name} measures"]),
                share,
            )
            for name, share in zip(names, power_law(len(names), FIELD_EXPONENT), strict=True)
        )
        return cls(fields, _terms(sections["countries all"]), _words(sections["legal words"]))

    def descriptor_shares(self) -> dict[str, float]:
        """Return the expected share of the documents of every descriptor, relative to the others."""
        shares = {country.name: country.share for country in self.countries}
        for field in self.fields:
            for term in (*field.subjects, *field.measures):
                shares[term.name] = field.share * term.share
            for subject in field.subjects:
                for measure in field.measures:
                    shares[narrower(subject, measure)] = field.share * subject.share * measure.share
        return shares

    def words(self) -> set[str]:
        """Return every word that an act may use."""
        terms = [*self.countries, *(term for field in self.fields for term in (*field.subjects, *field.measures))]
        sources = [self.legal_words, *(field.words for field in self.fields), *(term.words for term in terms)]
        return {word for source in sources for word in source}


def narrower(subject: Term, measure: Term) -> str:
    """Return the name of the descriptor that combines a subject and a measure, such as `milk_import_licence`."""
    return f"{subject.name}_{measure.name}"


def power_law(size: int, exponent: float) -> np.ndarray:
    """Return probabilities (size,) proportional to rank ** -exponent."""
    weights = np.arange(1, size + 1) ** -exponent
    return weights / weights.sum()


def _words(lines: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(lines).split()))


def _terms(lines: list[str]) -> tuple[Term, ...]:
    terms = []
    for line, share in zip(lines, power_law(len(lines), TERM_EXPONENT), strict=True):
        name, _, words = line.partition(": ")
        terms.append(Term(name, _words([words, name.replace("_", " ")]), share))
    return tuple(terms)
