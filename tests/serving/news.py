"""A small corpus of three labels: a word for each, and a document that has two."""

GRAIN, SHIP, OIL = "grain prices", "ship", "crude-oil"
TEXTS = [
    "wheat and corn harvest in the fields",
    "corn prices rise after the wheat harvest",
    "a tanker leaves the harbour with cargo",
    "harbour strike delays the cargo vessel",
    "crude barrels pumped from the wells",
    "a tanker carries crude barrels over sea",
] * 8
LABELS = [[GRAIN], [GRAIN], [SHIP], [SHIP], [OIL], [OIL, SHIP]] * 8
