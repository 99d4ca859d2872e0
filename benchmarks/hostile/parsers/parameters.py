"""`params.yaml`."""

import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hostile.damage import damaged_json
from hostile.parsers.base import Files, Parser
from xmlcore.config.params import load_params


@cache
def parameters() -> dict[str, Any]:
    """Those of the repository, of few corpora and models, as plain JSON."""
    params = YAML(typ="safe").load(Path(__file__).parents[3] / "params.yaml")
    params["corpus"] = {name: params["corpus"][name] for name in ("simulated-rcv1", "bibtex")}
    params["model"] = {name: params["model"][name] for name in ("xml_cnn", "mach")}
    for corpus in params["corpus"].values():
        corpus["model"] = {name: change for name, change in corpus["model"].items() if name in params["model"]}
    params.update(corpora=["simulated-rcv1"], models=["xml_cnn"], checkpoints=[])
    return params


ODD = b"""\
corpora: [a]
seed: 1
a: &a [x, x]
b: &b [*a, *a]
encode: &c {x: *b}
? [1]
: 2
d: 2020-01-01
e: !!binary aGk=
fgsm: {epsilons: [0.0, 0.1], bits: 8, <<: *c}
"""


def use_params(folder: Path) -> None:
    params = load_params(folder / "params.yaml")
    for corpus in params.corpora:
        for model in params.models:
            params.encode_of(corpus, model)
            params.model_of(corpus, model)
    for regime in params.regimes:
        params.regime_of(regime)
    for loss in params.losses:
        params.loss_of(loss)


def parsers() -> Iterator[Parser]:
    def whole() -> Files:
        return {"params.yaml": json.dumps(parameters()).encode()}

    def typed() -> Files:
        text = io.BytesIO()
        YAML(typ="safe").dump(parameters(), text)
        return {"params.yaml": text.getvalue()}

    yield Parser("params.yaml", typed, "params.yaml", use_params, slow=True)
    yield Parser("params.yaml, odd YAML", lambda: {"params.yaml": ODD}, "params.yaml", use_params)
    yield Parser(
        "params.yaml values", whole, "params.yaml", use_params, lambda it: damaged_json(json.loads(it)), slow=True
    )
