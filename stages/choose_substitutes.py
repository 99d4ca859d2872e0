"""Choose the words that may stand for each other: `python stages/choose_substitutes.py reuters21578`.

Reads `substitutes` of params.yaml, data/CORPUS/records and, for synonyms, data/lexicons. Writes
data/substitutes/CORPUS: substitutes.json, each word with its substitutes, which certified training, certificates and
word attacks read.
"""

from xmlcore.common.cli import run


def main(corpus: str) -> None:
    """Write the substitutes of the words of CORPUS."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from xmlcore.attacks.words.language import load_language, write_language
    from xmlcore.attacks.words.substitutes import choose_substitutes, mean_count
    from xmlcore.common import paths
    from xmlcore.common.cli import track
    from xmlcore.common.files import atomic_directory
    from xmlcore.config.params import load_params
    from xmlcore.data.substitutes import write_substitutes

    params = load_params()
    with TemporaryDirectory() as temporary, atomic_directory(paths.substitutes(corpus)) as folder:
        write_language(paths.records(corpus), Path(temporary), params.encode_of(corpus), params.seed, track)
        language = load_language(Path(temporary))
        substitutes = choose_substitutes(language, paths.LEXICONS, params.substitutes)
        write_substitutes(folder, substitutes)
    words = language.vocabulary.tokens
    print(f"{corpus}: {len(words):,} words, with {mean_count(substitutes, words):.2f} substitutes in the mean")


if __name__ == "__main__":
    run(main)
