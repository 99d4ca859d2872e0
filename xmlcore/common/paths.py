"""Where everything is on disk, relative to the folder that holds params.yaml. dvc.yaml names the same places.

A trained model is known by its corpus, model, regime and loss. What a stage finds out about one lies in
`results/CORPUS/MODEL/REGIME/LOSS/STAGE`.
"""

from pathlib import Path

VECTORS = Path("data/vectors")
CHECKPOINTS = Path("data/checkpoints")
LEXICONS = Path("data/lexicons")
SUBSTITUTES = Path("data/substitutes")
METRICS = Path("metrics")
RESULTS = Path("results")
STACKED = Path("stacked")
REPORT = Path("report")
IMPORTS = Path("imports")
LINEAR = ("linear", "clean", "squared_hinge")  # model, regime and loss of the linear classifier of every corpus
JOURNALS = Path(".journals")  # of stages that carry on where they were killed


def raw(corpus: str) -> Path:
    """Return the folder of a corpus's official files."""
    return Path("data", corpus, "raw")


def records(corpus: str) -> Path:
    """Return the folder of train.tsv and test.tsv."""
    return Path("data", corpus, "records")


def language(corpus: str) -> Path:
    """Return the folder of what word attacks know of a corpus's language."""
    return Path("data", corpus, "language")


def substitutes(corpus: str) -> Path:
    """Return the folder of the words of a corpus that may stand for each other."""
    return SUBSTITUTES / corpus


def given_substitutes(corpus: str, regime: str) -> Path:
    """Return the folder of the substitutes that trainings in a regime read."""
    return Path("data", corpus, "substitutes", regime)


def recipe(corpus: str, model: str) -> Path:
    """Return the folder of a model's recipe on a corpus, with all overrides applied."""
    return Path("data", corpus, "recipes", model)


def encoded(corpus: str, model: str) -> Path:
    """Return the folder of a corpus as a model reads it."""
    return Path("data", corpus, "encoded", model)


def embedding(corpus: str, model: str) -> Path:
    """Return the folder of a model's initial word vectors."""
    return Path("data", corpus, "embeddings", model)


def trained(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the folder of the weights of a trained model, which the stages read."""
    return Path("trained", corpus, model, regime, loss)


def model(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the folder of a trained model with all that its use needs, which people take away."""
    return Path("models", corpus, model, regime, loss)


def stacked(corpus: str) -> Path:
    """Return the folder of what a weighted mean of several classifiers reaches on a corpus."""
    return STACKED / corpus


def training(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the file in which a training is stored while it runs."""
    return JOURNALS / "train" / f"{'-'.join((corpus, model, regime, loss))}.safetensors"


def tuning_journal(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the file that has the trials of a tuning."""
    return JOURNALS / "tune" / f"{'-'.join((corpus, model, regime, loss))}.jsonl"


def tuning(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the table of what a tuning tried, which is kept."""
    return Path("docs/results/tuning", f"{'-'.join((corpus, model, regime, loss))}.csv")


def training_language(corpus: str) -> Path:
    """Return the file in which the training of a corpus's masked language model is stored while it runs."""
    return JOURNALS / "learn_language" / f"{corpus}.safetensors"


def metrics(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the folder of a trained model's rows of the table across epsilon."""
    return METRICS / corpus / model / regime / loss


def word_metrics(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the folder of its rows of that table with words substituted; the linear classifier's is beside its row."""
    if (model, regime, loss) == LINEAR:
        return METRICS / corpus / f"{model}.words"
    return METRICS / corpus / model / regime / f"{loss}.words"


def results(corpus: str, model: str, regime: str, loss: str, stage: str) -> Path:
    """Return the folder of what `stage` found out about a trained model."""
    return RESULTS / corpus / model / regime / loss / stage


def predictions(corpus: str, model: str, regime: str, loss: str) -> Path:
    """Return the folder of a trained model's best labels of every test document."""
    return results(corpus, model, regime, loss, "evaluate") / "predictions"
