"""RCV1's topic hierarchy (Lewis et al. 2004, appendix 2): 103 topics in four trees, CCAT, ECAT, GCAT and MCAT."""

from dataclasses import dataclass

from xmlcore.corpora.simulation.resources import read_lines


@dataclass(frozen=True)
class Topic:
    code: str
    parent: str | None
    stories: float  # relative number of stories that are chiefly about this topic, descendants not counted
    name: str
    companions: tuple[str, ...]  # topics that a story about this one often has as well


class Hierarchy:
    """Topics by code, parents before their children."""

    def __init__(self, topics: list[Topic]) -> None:
        self.topics = {topic.code: topic for topic in topics}

    @classmethod
    def of_rcv1(cls) -> "Hierarchy":
        return cls([_parse(line) for line in read_lines("topics.txt")])

    def with_ancestors(self, code: str) -> list[str]:
        """Return `code`, its parent, and so on up to the root."""
        line = [code]
        while (parent := self.topics[line[-1]].parent) is not None:
            line.append(parent)
        return line

    def most_frequent(self, count: int) -> set[str]:
        """Return the `count` topics with the most stories, descendants' included: never a topic without its parent."""
        stories = dict.fromkeys(self.topics, 0.0)
        for topic in self.topics.values():
            for code in self.with_ancestors(topic.code):
                stories[code] += topic.stories
        return set(sorted(stories, key=lambda code: -stories[code])[:count])


def _parse(line: str) -> Topic:
    fields, _, companions = line.partition("|")
    code, parent, stories, name = fields.strip().split(maxsplit=3)
    return Topic(code, None if parent == "-" else parent, float(stories), name, tuple(companions.split()))
