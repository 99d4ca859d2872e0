"""Attack a model by substituting words: `python stages/attack_words.py tibkat xml_cnn clean bce clean bce`.

What is aimed at are documents and labels about which the training in the last two arguments is right, the same for
every training of the model. Reads `words` of params.yaml, data/CORPUS/language, the texts, the model with the defence
of its regime, and what the generators need. Writes, in results/CORPUS/MODEL/REGIME/LOSS/attack_words: targets.json and
clusters.json (what is aimed at, like labels), attacks.jsonl (every attack), summary.json (the figures),
by_frequency.json (by label frequency) and timing.json. A run that was killed carries on where it was.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str, right_regime: str, right_loss: str) -> None:
    """Attack the MODEL of CORPUS trained in REGIME with LOSS by substituting words."""
    from xmlcore.attacks.words.campaign import Campaign, by_frequency, summary, write_attacks
    from xmlcore.attacks.words.generators.choice import load_generators
    from xmlcore.attacks.words.language import load_language
    from xmlcore.attacks.words.sampling import choose_targets, write_targets
    from xmlcore.attacks.words.similarity import load_encoder
    from xmlcore.attacks.words.texts import read_texts
    from xmlcore.attacks.words.victim import Victim
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.device import choose_device
    from xmlcore.common.files import write_json
    from xmlcore.common.journal import Journal, fingerprint
    from xmlcore.common.outputs import output_directory
    from xmlcore.common.source_code import PACKAGE
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.models.registry import load_token_classifier
    from xmlcore.ranking.predictions import predictions_of

    params, cell = load_params(), (corpus, model, regime, loss)
    options, where = params.words, params.regime_of(regime).squeeze
    language, known_right = paths.language(corpus), paths.predictions(corpus, model, right_regime, right_loss)
    data, device = load_encoded(paths.encoded(corpus, model)), choose_device(params.device)
    targets = choose_targets(data, predictions_of(data, known_right), options, params.seed)
    words = load_language(language / "words")
    classifier = squeeze(load_token_classifier(paths.trained(*cell), device), where, params.fgsm.bits)
    victim = Victim(classifier, data, params.explain.batch_size, options.scores)
    substitutes = paths.substitutes(corpus)
    generators = load_generators(options, victim, words, language / "masked_lm", paths.LEXICONS, substitutes)
    texts = read_texts(paths.records(corpus) / "test.tsv", data, {sample.document for sample in targets.samples})
    sources = [
        paths.records(corpus),
        language,
        paths.encoded(corpus, model),
        paths.trained(*cell),
        known_right,
        paths.LEXICONS,
        paths.SUBSTITUTES,
        PACKAGE,
    ]
    given = options.model_dump(), where, params.seed, params.fgsm.bits, params.explain.batch_size, device.type
    mark = fingerprint(sources, *given)
    journal = Journal(paths.JOURNALS / "attack_words" / f"{'-'.join(cell)}.jsonl", mark)
    campaign = Campaign(victim, load_encoder(options.encoder, words, device), texts, data.shown_labels, options)
    with measured() as cost:
        rows = campaign.run(generators, targets.samples, journal, track)
    with output_directory(paths.results(*cell, "attack_words")) as results:
        write_targets(results, targets, data.shown_labels)
        write_attacks(results / "attacks.jsonl", rows)
        write_json(results / "summary.json", summary(rows, options.goals, options.thresholds))
        write_json(results / "by_frequency.json", by_frequency(rows, options.thresholds))
        write_json(results / "timing.json", cost)
    journal.remove()


if __name__ == "__main__":
    run(main)
