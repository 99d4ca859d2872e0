from pathlib import Path

import numpy as np
import pytest

from xmlcore.attacks.words.language import DIMENSION, load_language, write_language
from xmlcore.common.errors import UserError
from xmlcore.config.params import Encode
from xmlcore.data.dataset import load_encoded
from xmlcore.data.tokens import PAD, UNK
from xmlcore.ranking.predictions import untracked

TOPICS = {"farm": "wheat corn barley harvest", "sea": "ship port cargo vessel"}
TRAIN = [
    (label, f"{first} {second} the")
    for label, text in TOPICS.items()
    for first in text.split()
    for second in text.split()
]


def write(folder: Path, seed: int = 7, documents=TRAIN, **options) -> Path:
    for name, rows in (("train", documents), ("test", TRAIN[:2])):
        lines = [f"{name}{i}\t{label}\t{text}\n" for i, (label, text) in enumerate(rows)]
        (folder / f"{name}.tsv").write_text("".join(lines))
    written = folder / "words"
    written.mkdir()
    write_language(folder, written, Encode(**{"min_count": 1, **options}), seed, untracked)
    return written


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_every_word_has_a_rarity_and_a_vector(tmp_path):
    language = load_language(write(tmp_path))
    size = len(language.vocabulary)
    assert language.vectors.shape == (size, DIMENSION) and language.vectors.dtype == np.float32
    assert language.idf.shape == (size,) and language.idf.dtype == np.float32
    assert np.isfinite(language.vectors).all() and not language.vectors[PAD].any()
    assert set(language.vocabulary.tokens[UNK + 1 :]) == {*" ".join(TOPICS.values()).split(), "the"}


def test_words_of_one_topic_have_near_vectors(tmp_path):
    language = load_language(write(tmp_path))
    wheat, corn, ship = language.vectors[language.vocabulary.encode(["wheat", "corn", "ship"])]
    assert cosine(wheat, corn) > cosine(wheat, ship) + 0.5


def test_rarity_counts_documents_of_both_splits_once_each(tmp_path):
    folder = write(tmp_path)
    language, corpus = load_language(folder), load_encoded(folder / "encoded")
    documents = corpus.train_and_validation
    assert len(documents) == len(TRAIN) == len(corpus.splits["train"]) + len(corpus.splits["validation"])
    the, wheat, unknown = language.idf[[*language.vocabulary.encode(["the", "wheat"]), UNK]]
    assert the == 1
    assert wheat == pytest.approx(np.log((1 + len(TRAIN)) / (1 + 7)) + 1)  # four rows and four columns share one
    assert unknown == pytest.approx(np.log(1 + len(TRAIN)) + 1)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = (write(tmp_path / name) for name in ("one", "other"))
    files = [path.relative_to(one) for path in one.rglob("*") if path.is_file()]
    assert Path("encoded/vocabulary.txt") in files
    assert all((one / file).read_bytes() == (other / file).read_bytes() for file in files)


def test_the_corpus_s_own_setting_cuts_the_words(tmp_path):
    documents = [("farm", "U.S. Wheat"), ("sea", "Port_of call")]
    folder = write(tmp_path, documents=documents, tokenizer="whitespace", validation_fraction=0.5)
    assert set(load_language(folder).vocabulary.tokens[UNK + 1 :]) == {"U.S.", "Wheat", "Port_of", "call"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_corpus_without_a_frequent_word_has_specials_alone(tmp_path):
    language = load_language(write(tmp_path, min_count=1000))
    assert len(language.vocabulary) == len(language.idf) == len(language.vectors) == 2


def test_pieces_of_a_checkpoint_are_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match="encode.tokenizer: .*'xlnet-base-cased'.*`words` or `whitespace`") as caught:
        write(tmp_path, tokenizer="xlnet-base-cased")
    assert "\n" not in str(caught.value)
