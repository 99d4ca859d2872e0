"""A page of explanations as a browser would take it apart."""

from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img',
    "onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style><script>",
    "{{7*7}}",
    "&lt;b&gt;",
    "nul\x00nul",
    "\u202egnp.exe",
]
ELEMENTS = set(
    "html head meta title style body header p h1 h2 dl div dt dd bdi table caption thead tbody tr th td mark section".split()  # noqa: SIM905, E501
)


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.words.append(data)
