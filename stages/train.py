"""Train a model, clean or adversarially: `python stages/train.py reuters21578 xml_cnn adversarial bce`.

Reads data/CORPUS/encoded/MODEL and data/CORPUS/embeddings/MODEL; writes models/CORPUS/MODEL/REGIME/LOSS (weights,
readable config), the learning curves plots/CORPUS/MODEL/REGIME/LOSS/learning, the summary
metrics/CORPUS/MODEL/REGIME/LOSS/train.json and the wall-clock time and peak memory,
timings/CORPUS/MODEL/REGIME/LOSS/train.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.distributed import is_writer
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.word_vectors import load_vectors
    from xmlcore.models.registry import build_model, save_model
    from xmlcore.training.learning_curves import learning_curves
    from xmlcore.training.loop import train

    params = load_params()
    recipe, conditions = params.model_of(corpus, model), params.regime_of(regime)
    data = load_encoded(paths.encoded(corpus, model))
    vectors = load_vectors(paths.embedding(corpus, model), data.vocabulary)
    with learning_curves(paths.plots(corpus, model, regime, loss) / "learning") as log, measured() as cost:
        outcome = train(
            lambda table: build_model(recipe.architecture, table, len(data.label_names), recipe.network),
            vectors,
            data.splits["train"],
            data.splits["validation"],
            recipe.training,
            conditions,
            params.loss_of(loss),
            params.seed,
            log,
            track,
        )
    if not is_writer():
        return
    with atomic_directory(paths.model(corpus, model, regime, loss)) as folder:
        save_model(folder, outcome.model, recipe.architecture, recipe.network)
    write_json(paths.metrics(corpus, model, regime, loss, "train.json"), outcome.summary())
    write_json(paths.timings(corpus, model, regime, loss) / "train.json", cost)


if __name__ == "__main__":
    run(main)
