"""Certify a model against substituted words: `python stages/certify.py reuters21578 xml_cnn certified bce`.

Reads trained/CORPUS/MODEL/REGIME/LOSS, data/CORPUS/encoded/MODEL and data/substitutes/CORPUS. Writes, in
results/CORPUS/MODEL/REGIME/LOSS/certify, certified.json (P@k clean, with every word substituted by an attack, and
certified: whatever is substituted, and if only few words are) and timing.json; and, in
metrics/CORPUS/MODEL/REGIME/LOSS.words, a row for the attack and, where the model has bounds, two for the certificates.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Certify the MODEL of CORPUS trained in REGIME with LOSS, behind the defence of the regime."""
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.substitutes import load_table
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.evaluation.certification import certification
    from xmlcore.evaluation.metrics_table import write_row
    from xmlcore.models.registry import load_token_classifier

    params, cell = load_params(), (corpus, model, regime, loss)
    data = load_encoded(paths.encoded(corpus, model))
    bare = load_token_classifier(paths.trained(*cell), choose_device(params.device))
    classifier = squeeze(bare, params.regime_of(regime).squeeze, params.fgsm.bits)
    substitutes = load_table(paths.substitutes(corpus), data.vocabulary)
    with (
        output_directory(paths.results(*cell, "certify")) as results,
        output_directory(paths.word_metrics(*cell)) as metrics,
    ):
        with measured() as cost:
            test, options = data.splits["test"], params.certify
            found = certification(
                classifier, test, substitutes, steps=options.steps, max_change=options.max_change, track=track
            )
        write_json(results / "certified.json", found)
        write_json(results / "timing.json", cost)
        write_row(metrics / "attacked.json", found["attacked"])
        for name, row in (("certified", found["certified"]), ("certified_few", found["certified_few"])):
            if row:
                write_row(metrics / f"{name}.json", row)


if __name__ == "__main__":
    run(main)
