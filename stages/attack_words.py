"""Attack a model by substituting words (seed 003): `python stages/attack_words.py tibkat xml_cnn clean bce`.

Reads `words` of params.yaml, attacks/CORPUS/MODEL/targets, data/CORPUS/words, the texts, the model with the defence of
its regime, and what the generators need. Writes every attack, attacks/CORPUS/MODEL/REGIME/LOSS/attacks.jsonl; the
figures, metrics/CORPUS/MODEL/REGIME/LOSS/words.json; the same by label frequency, plots/.../words.json; and the time,
timings/.../attack_words.json. A run that was killed carries on where it was.
"""

from pathlib import Path

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Attack the MODEL of CORPUS trained in REGIME with LOSS by substituting words."""
    import json

    import xmlcore
    from xmlcore.attacks.words.campaign import Campaign, by_frequency, summary
    from xmlcore.attacks.words.generators.choice import load_generators
    from xmlcore.attacks.words.language import load_language
    from xmlcore.attacks.words.sampling import read_samples
    from xmlcore.attacks.words.similarity import load_encoder
    from xmlcore.attacks.words.texts import read_texts
    from xmlcore.attacks.words.victim import Victim
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.journal import Journal, fingerprint
    from xmlcore.common.timing import measured
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.defenses.squeezing import squeeze
    from xmlcore.models.registry import load_model

    params = load_params()
    options, cell = params.words, (corpus, model, regime, loss)
    language = load_language(paths.words(corpus))
    encoder = load_encoder(options.encoder, language)
    data = load_encoded(paths.encoded(corpus, model))
    where = params.regime_of(regime).squeeze
    victim = Victim(squeeze(load_model(paths.model(*cell)), where, params.fgsm.bits), data, params.explain.batch_size)
    generators = load_generators(options, victim, language, paths.masked_lm(corpus), paths.LEXICONS)
    targets = paths.targets(corpus, model) / "targets.json"
    samples = read_samples(targets, len(data.splits["test"]), len(data.label_names))
    texts = read_texts(paths.records(corpus) / "test.tsv", data, {sample.document for sample in samples})
    sources = [
        paths.records(corpus),
        paths.words(corpus),
        paths.masked_lm(corpus),
        paths.encoded(corpus, model),
        paths.model(*cell),
        paths.targets(corpus, model),
        paths.LEXICONS,
        Path(xmlcore.__file__).parent,
    ]
    mark = fingerprint(sources, options.model_dump(), where, params.fgsm.bits, params.explain.batch_size)
    journal = Journal(paths.JOURNALS / "attack_words" / f"{'-'.join(cell)}.jsonl", mark)
    with measured() as cost:
        rows = Campaign(victim, encoder, texts, data.label_names, options).run(generators, samples, journal, track)
    with atomic_directory(paths.attacks(*cell)) as folder:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "attacks.jsonl").write_text("".join(lines), encoding="utf-8")
    write_json(paths.metrics(*cell, "words.json"), summary(rows, options.thresholds))
    write_json(paths.plots(*cell) / "words.json", by_frequency(rows, options.thresholds))
    write_json(paths.timings(*cell) / "attack_words.json", cost)
    journal.remove()


if __name__ == "__main__":
    run(main)
