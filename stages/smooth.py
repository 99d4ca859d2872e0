"""Certify a model by votes of random copies: `python stages/smooth.py reuters21578 xml_cnn clean bce`.

Reads trained/CORPUS/MODEL/REGIME/LOSS and data/CORPUS/encoded/MODEL. Writes, in
results/CORPUS/MODEL/REGIME/LOSS/smooth, smoothed.json (P@k as voted, and certified by radius, for each way to draw
copies) and timing.json.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Smooth the MODEL of CORPUS trained in REGIME with LOSS, behind the defence of the regime."""
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.evaluation.smoothing import smoothed
    from xmlcore.models.registry import load_model

    params, cell = load_params(), (corpus, model, regime, loss)
    bare = load_model(paths.trained(*cell), choose_device(params.device))
    classifier = squeeze(bare, params.regime_of(regime).squeeze, params.fgsm.bits)
    test = load_encoded(paths.encoded(corpus, model)).splits["test"]
    with output_directory(paths.results(*cell, "smooth")) as results:
        with measured() as cost:
            found = smoothed(classifier, test, params.smoothing, params.seed, track)
        write_json(results / "smoothed.json", found)
        write_json(results / "timing.json", cost)


if __name__ == "__main__":
    run(main)
