"""Train a model, clean, adversarially or certified: `python stages/train.py reuters21578 xml_cnn adversarial bce`.

Reads data/CORPUS/encoded/MODEL, data/CORPUS/embeddings/MODEL, the recipe and, where the regime takes substitutes,
data/CORPUS/substitutes/REGIME. Writes trained/CORPUS/MODEL/REGIME/LOSS (weights, readable config) and, in
results/CORPUS/MODEL/REGIME/LOSS/train, the summary training.json, the learning curves and timing.json. While it runs,
.journals/train has where it is: a training that was killed goes on from there.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Train MODEL on CORPUS in REGIME with LOSS."""
    from xmlcore.common import paths
    from xmlcore.common.checkpoints import Checkpoint, surroundings
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.journal import fingerprint
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.source_code import PACKAGE
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.config.recipes import read_architecture, read_training
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.document_vectors import with_document_vectors
    from xmlcore.data.substitutes import load_table
    from xmlcore.data.vector_tables import load_vectors
    from xmlcore.models.registry import build_model, save_model
    from xmlcore.ranking.predictions import write_predictions
    from xmlcore.training.learning_curves import learning_curves
    from xmlcore.training.loop import train

    params, cell = load_params(), (corpus, model, regime, loss)
    device, recipe = choose_device(params.device), paths.recipe(corpus, model)
    architecture, network = read_architecture(recipe)
    data = with_document_vectors(load_encoded(paths.encoded(corpus, model)), paths.embedding(corpus, model))
    given, substitutes = paths.given_substitutes(corpus, regime), None
    if params.regime_of(regime).takes_substitutes:
        substitutes = load_table(given, data.vocabulary, "give_substitutes")
    sources = [recipe, paths.encoded(corpus, model), paths.embedding(corpus, model), given, PACKAGE]
    settings = params.regime_of(regime).model_dump(), params.loss_of(loss).model_dump(), params.seed
    mark = fingerprint(sources, *settings, device.type, surroundings())
    checkpoint = Checkpoint(paths.training(*cell), mark)
    with output_directory(paths.results(*cell, "train")) as results:
        with learning_curves(results / "learning") as log, measured() as cost:
            outcome = train(
                build=lambda table: build_model(architecture, table, len(data.label_names), network),
                vectors=load_vectors(paths.embedding(corpus, model), data.vocabulary),
                training=data.splits["train"],
                validation=data.splits["validation"],
                options=read_training(recipe),
                regime=params.regime_of(regime),
                loss=params.loss_of(loss),
                seed=params.seed,
                log=log,
                track=track,
                checkpoint=checkpoint,
                device=device,
                substitutes=substitutes,
            )
        write_json(results / "training.json", outcome.summary())
        (results / "validation").mkdir()
        write_predictions(results / "validation", outcome.validation)
        write_json(results / "timing.json", cost)
        with output_directory(paths.trained(*cell)) as folder:
            save_model(folder, outcome.model, architecture, network)
    checkpoint.remove()


if __name__ == "__main__":
    run(main)
