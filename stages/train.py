"""Train a model, clean or adversarially: `python stages/train.py reuters21578 xml_cnn adversarial bce`.

Reads data/CORPUS/encoded/MODEL and data/CORPUS/embeddings/MODEL; writes models/CORPUS/MODEL/REGIME/LOSS (weights,
readable config), the learning curves plots/CORPUS/MODEL/REGIME/LOSS/learning, the summary
metrics/CORPUS/MODEL/REGIME/LOSS/train.json and the wall-clock time and peak memory,
timings/CORPUS/MODEL/REGIME/LOSS/train.json.
"""

from xmlcore.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    from xmlcore import layout
    from xmlcore.cli import track
    from xmlcore.cost import measured
    from xmlcore.distributed import is_writer
    from xmlcore.embeddings import load_vectors
    from xmlcore.encoding import load_encoded
    from xmlcore.files import atomic_directory, write_json
    from xmlcore.learning_curves import learning_curves
    from xmlcore.models.storage import build_model, save_model
    from xmlcore.params import load_params
    from xmlcore.training import train

    params = load_params()
    recipe, conditions = params.model_of(corpus, model), params.regime_of(regime)
    data = load_encoded(layout.encoded(corpus, model))
    vectors = load_vectors(layout.embedding(corpus, model), data.vocabulary)
    with learning_curves(layout.plots(corpus, model, regime, loss) / "learning") as log, measured() as cost:
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
    with atomic_directory(layout.model(corpus, model, regime, loss)) as folder:
        save_model(folder, outcome.model, recipe.architecture, recipe.network)
    write_json(layout.metrics(corpus, model, regime, loss, "train.json"), outcome.summary())
    write_json(layout.timings(corpus, model, regime, loss) / "train.json", cost)


if __name__ == "__main__":
    run(main)
