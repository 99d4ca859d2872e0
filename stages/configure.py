"""Resolve the recipe of a model on a corpus: `python stages/configure.py reuters21578 xml_cnn`.

Reads `model`, `encode` and their overrides in `corpus` of params.yaml. Writes data/CORPUS/recipes/MODEL: encode.json,
embedding.json, training.json and architecture.json, which holds a digest of the architecture's code.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str) -> None:
    """Write the recipe of MODEL on CORPUS with all overrides applied."""
    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory
    from xmlcore.common.source_code import code_digest
    from xmlcore.config.architectures import ARCHITECTURES
    from xmlcore.config.params import load_params
    from xmlcore.config.recipes import architectures_in, write_recipe

    params = load_params()
    recipe = params.model_of(corpus, model)
    names = architectures_in(recipe.architecture, recipe.network)
    with atomic_directory(paths.recipe(corpus, model)) as folder:
        write_recipe(folder, params, corpus, model, code_digest(ARCHITECTURES[name].source for name in names))


if __name__ == "__main__":
    run(main)
