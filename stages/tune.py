"""Tune a recipe on validation documents: `python stages/tune.py reuters21578 xml_cnn --minutes 30`, or `make tune`.

Reads data/CORPUS/recipes/MODEL, data/CORPUS/embeddings/MODEL and, in data/CORPUS/encoded/MODEL, all but the test split.
Tries values in the ranges of `tune` in params.yaml. Writes docs/results/tuning/CORPUS-MODEL-REGIME-LOSS.csv, the table
of the trials, and, where one was better than the recipe, its values to params.yaml. The trials that have ended, and
where the one after them is, are in .journals/tune: whether it was killed or out of time, the tuning goes on from there.
"""

from typing import Annotated

from typer import Option

from xmlcore.common.cli import run


def main(
    corpus: str,
    model: str,
    minutes: Annotated[float, Option(help="After which no epoch begins.", min=0)] = 30,
    regime: str = "clean",
    loss: str = "bce",
) -> None:
    """Tune the recipe of MODEL on CORPUS, trained in a regime with a loss."""
    from importlib.metadata import version
    from pathlib import Path

    from rich.console import Console

    from xmlcore.common import paths
    from xmlcore.common.checkpoints import surroundings
    from xmlcore.common.cli import console, track
    from xmlcore.common.device import choose_device
    from xmlcore.common.errors import UserError
    from xmlcore.common.journal import Journal, fingerprint
    from xmlcore.common.origin import origin
    from xmlcore.common.source_code import PACKAGE
    from xmlcore.common.yaml_edits import set_values
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.document_vectors import with_document_vectors
    from xmlcore.data.vector_tables import load_vectors

    try:
        from xmlcore.tuning.study import Budget, Study
    except ModuleNotFoundError as error:
        raise UserError(f"tuning needs optuna ({error.name} is missing): pip install 'optuna>=5'") from None
    from xmlcore.tuning.settings import read_settings
    from xmlcore.tuning.summary import last_trial, terminal_table, verdict, write_csv
    from xmlcore.tuning.trainings import SPLITS, Trainings

    params, cell = load_params(), (corpus, model, regime, loss)
    if params.regime_of(regime).takes_substitutes:
        raise UserError(
            f"--regime: {regime} gives clean P@1, by which trials are judged, for substituted words; tune for another"
        )
    budget, device, tune = Budget(minutes), choose_device(params.device), params.tune_of(model)
    recipe, encoded, embedding = (place(corpus, model) for place in (paths.recipe, paths.encoded, paths.embedding))
    architecture, settings = read_settings(params, corpus, model, recipe)
    data = with_document_vectors(load_encoded(encoded, splits=SPLITS), embedding)
    others = sorted(path for path in encoded.iterdir() if path.is_file())
    sources = [recipe, *others, *(encoded / split for split in SPLITS), embedding, PACKAGE]
    given = params.regime_of(regime).model_dump(), params.loss_of(loss).model_dump(), tune.model_dump(), params.seed
    mark = fingerprint(sources, *given, device.type, surroundings(), version("optuna"))
    trainings = Trainings(
        architecture=architecture,
        settings=settings,
        data=data,
        vectors=load_vectors(embedding, data.vocabulary),
        regime=params.regime_of(regime),
        loss=params.loss_of(loss),
        seed=params.seed,
        device=device,
        track=track,
        budget=budget,
        stored=paths.tuning_journal(*cell).with_suffix(".safetensors"),
        fingerprint=mark,
    )
    journal = Journal(paths.tuning_journal(*cell), mark)
    study = Study(settings.values(tune.ranges), tune.ranges, params.seed, journal)

    def tell(study: Study) -> None:
        console.print(last_trial(study), markup=False, soft_wrap=True)

    if study.trials:  # of an earlier call
        tell(study)
    study.run(trainings.train, tell)
    if not study.trials:
        raise UserError(
            f"--minutes: in {minutes:g} the recipe itself was not trained; run again, it goes on from there"
        )
    command = f"python stages/tune.py {corpus} {model} --minutes {minutes:g} --regime {regime} --loss {loss}"
    write_csv(paths.tuning(*cell), study.trials, origin(command))
    Console().print(terminal_table(study.trials, f"{model} on {corpus}, {regime}, {loss}"))
    place = ("corpus", corpus, "model", model)
    set_values(Path("params.yaml"), {(*place, *key.split(".")): value for key, value in study.gain.items()})
    print(verdict(study, ".".join(place), len(data.splits["validation"])))


if __name__ == "__main__":
    run(main)
