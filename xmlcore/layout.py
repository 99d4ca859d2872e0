"""Where everything is on disk, relative to the folder that holds params.yaml. dvc.yaml names the same places."""

from pathlib import Path

VECTORS = Path("data/vectors")
CHECKPOINTS = Path("data/checkpoints")
LEXICONS = Path("data/lexicons")
REPORT = Path("report")
JOURNALS = Path(".journals")  # of stages that carry on where they were killed


def raw(corpus: str) -> Path:
    return Path("data", corpus, "raw")


def records(corpus: str) -> Path:
    return Path("data", corpus, "records")


def encoded(corpus: str, model: str) -> Path:
    return Path("data", corpus, "encoded", model)


def embedding(corpus: str, model: str) -> Path:
    return Path("data", corpus, "embeddings", model)


def words(corpus: str) -> Path:
    return Path("data", corpus, "words")


def masked_lm(corpus: str) -> Path:
    return Path("data", corpus, "masked_lm")


def targets(corpus: str, model: str) -> Path:
    return Path("attacks", corpus, model, "targets")


def model(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("models", corpus, model, regime, loss)


def predictions(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("predictions", corpus, model, regime, loss)


def attacks(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("attacks", corpus, model, regime, loss)


def explanations(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("explanations", corpus, model, regime, loss)


def metrics(corpus: str, *parts: str) -> Path:
    return Path("metrics", corpus, *parts)


def plots(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("plots", corpus, model, regime, loss)


def timings(corpus: str, model: str, regime: str, loss: str) -> Path:
    return Path("timings", corpus, model, regime, loss)
