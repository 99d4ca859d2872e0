"""Bring a pretrained checkpoint into data/checkpoints/NAME: `python stages/fetch_checkpoint.py tiny-xlnet`.

`checkpoint.NAME` of params.yaml says which: one of the hub, in the cache of `transformers` or downloaded, or a tiny one
with random weights, made here.
"""

from typing import Annotated

import typer

from xmlcore.common.cli import run


def main(checkpoint: Annotated[str, typer.Argument(help="A name under `checkpoint` in params.yaml.")]) -> None:
    """Bring a pretrained checkpoint into data/checkpoints/NAME."""
    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.pretrained import save_checkpoint

    params = load_params()
    wanted = params.checkpoint_of(checkpoint)
    with atomic_directory(paths.CHECKPOINTS / checkpoint) as folder:
        if wanted.hub:
            save_checkpoint(wanted.hub, folder)
            return

        from xmlcore.data.simulation.checkpoint import write_tiny_checkpoint  # only a tiny one needs it

        write_tiny_checkpoint(wanted.tiny, params.seed, folder)


if __name__ == "__main__":
    run(main)
