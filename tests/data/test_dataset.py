import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.common.errors import UserError
from xmlcore.config.params import Encode
from xmlcore.data.dataset import UNSEEN_LABEL, concatenate, load_encoded, statistics
from xmlcore.data.encoding import encode_corpus, split_validation
from xmlcore.ranking.predictions import untracked

TRAIN = [("C15 GCAT", "profit profit rose"), ("C15", "profit rose rain"), ("", "profit rain"), ("GCAT", "")]
TEST = [("C15 M11 E12", "rose profit snow"), ("", "")]
OPTIONS = Encode(tokenizer="words", max_tokens=500, min_count=2, validation_fraction=0.25)
SEED = 7


def write_records(folder, train, test):
    folder.mkdir(exist_ok=True)
    for name, documents in (("train", train), ("test", test)):
        lines = [f"d{i}\t{labels}\t{text}\n" for i, (labels, text) in enumerate(documents)]
        (folder / f"{name}.tsv").write_text("".join(lines))
    return folder


@pytest.fixture
def encode(tmp_path):
    """encode(train, test, **options) -> the corpus and its statistics."""

    def encode(train=TRAIN, test=TEST, **options):
        destination = tmp_path / "encoded"
        destination.mkdir()
        records = write_records(tmp_path / "records", train, test)
        encode_corpus(records, destination, OPTIONS.model_copy(update=options), SEED, untracked)
        corpus = load_encoded(destination)
        return corpus, statistics(corpus)

    return encode


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def texts(corpus, split):
    tokens = corpus.vocabulary.tokens
    return [" ".join(tokens[i] for i in split.document(n)) for n in range(len(split))]


def labels(corpus, split):
    names = [*corpus.label_names, "?"]  # UNSEEN_LABEL is -1
    return [" ".join(names[i] for i in split.labels_of(n)) for n in range(len(split))]


def test_vocabulary_and_labels_come_from_the_training_records_alone(encode):
    corpus, _ = encode()
    assert corpus.vocabulary.tokens == ["<pad>", "<unk>", "profit", "rain", "rose"]
    assert corpus.label_names == ["C15", "GCAT"]


def test_documents_keep_their_order_tokens_and_labels(encode):
    corpus, _ = encode()
    held_out = set(split_validation(4, 0.25, SEED).tolist())
    encoded = ["profit profit rose", "profit rose rain", "profit rain", "<unk>"]
    for split, wanted in (("train", set(range(4)) - held_out), ("validation", held_out)):
        assert texts(corpus, corpus.splits[split]) == [encoded[i] for i in sorted(wanted)]
        assert labels(corpus, corpus.splits[split]) == [TRAIN[i][0] for i in sorted(wanted)]
    assert texts(corpus, corpus.splits["test"]) == ["rose profit <unk>", "<unk>"]


def test_labels_never_seen_in_training_are_marked(encode):
    test = encode()[0].splits["test"]
    assert test.labels_of(0).tolist() == [UNSEEN_LABEL, UNSEEN_LABEL, 0]
    assert test.labels_of(1).tolist() == []


def test_max_tokens_cuts_and_is_remembered(encode):
    corpus, _ = encode(max_tokens=2)
    assert texts(corpus, corpus.splits["test"])[0] == "rose profit"
    assert corpus.max_tokens == 2


def test_min_count(encode):
    corpus, _ = encode(min_count=4)
    assert corpus.vocabulary.tokens == ["<pad>", "<unk>", "profit"]


def test_the_tokenizer_is_remembered(encode):
    corpus, _ = encode(train=[("C15", "X.y X.y")] * 4, tokenizer="whitespace")
    assert corpus.vocabulary.tokens[2:] == ["X.y"]
    assert corpus.tokenize("X.y Z") == ["X.y", "Z"]


def test_statistics_by_hand(encode):
    _, sizes = encode()
    assert sizes == {
        "train_documents": 3,
        "validation_documents": 1,
        "test_documents": 2,
        "vocabulary": 5,
        "labels": 2,
        "labels_per_document": 1.0,  # 4 labels in 4 documents
        "documents_per_label": 2.0,
        "tokens_per_train_document": 2.25,  # 3 + 3 + 2 + 1 for the document without words
        "tokens_per_test_document": 2.0,
    }


def test_arrays_stay_on_disk_and_are_compact(encode):
    split = encode()[0].splits["train"]
    assert isinstance(split.tokens, np.memmap)
    assert (split.tokens.dtype, split.labels.dtype) == (np.int32, np.int32)
    assert split.lengths.tolist() == [len(split.document(i)) for i in range(len(split))]


def test_a_document_without_a_label_is_read(encode):
    corpus, _ = encode(test=[("", "rose"), ("GCAT", "rain"), ("", "")])
    test = corpus.splits["test"]
    assert [len(test.labels_of(i)) for i in range(3)] == [0, 1, 0]


@pytest.mark.parametrize("labels", ["", "unheard"])
def test_test_documents_without_a_known_label_are_refused(encode, labels):
    with pytest.raises(UserError, match=r"test\.tsv: no document has a label of train\.tsv; give both"):
        encode(test=[(labels, "rose"), (labels, "rain")])


def test_a_second_run_writes_the_same_bytes(tmp_path):
    records = write_records(tmp_path / "records", TRAIN, TEST)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        encode_corpus(records, tmp_path / name, OPTIONS, SEED, untracked)
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert len(first) == 3 + 3 * 4
    assert first == second


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**31 - 1))
def test_the_split_is_exact_and_seeded(documents, fraction, seed):
    held_out = split_validation(documents, fraction, seed)
    assert len(set(held_out.tolist())) == len(held_out) == round(documents * fraction)
    assert set(held_out.tolist()) <= set(range(documents))
    assert np.array_equal(held_out, split_validation(documents, fraction, seed))


def test_another_seed_splits_otherwise():
    assert set(split_validation(100, 0.25, 1)) != set(split_validation(100, 0.25, 2))


def test_joining_two_splits():
    first, second = split_of([[2, 3], [4]], [[0], []]), split_of([[5]], [[1, 2]])
    joined = concatenate(first, second)
    assert [joined.document(i).tolist() for i in range(3)] == [[2, 3], [4], [5]]
    assert [joined.labels_of(i).tolist() for i in range(3)] == [[0], [], [1, 2]]


@pytest.mark.parametrize(
    ("train", "options", "complaint"),
    [
        ([("", "profit"), ("", "rose")], {}, "train.tsv: no document has a label; give"),
        ([("a", "profit")], {}, "train.tsv: 1 documents cannot be split with encode.validation_fraction=0.25; add"),
        (TRAIN, {"validation_fraction": 0.01}, "encode.validation_fraction=0.01"),
        (TRAIN, {"validation_fraction": 0.99}, "encode.validation_fraction=0.99"),
    ],
)
def test_what_cannot_be_encoded_is_refused(encode, train, options, complaint):
    with pytest.raises(UserError, match=complaint):
        encode(train, **options)


def test_a_line_that_is_no_record_is_named(tmp_path):
    records = write_records(tmp_path / "records", TRAIN, TEST)
    with (records / "train.tsv").open("a") as file:
        file.write("one field\n")
    (tmp_path / "encoded").mkdir()
    with pytest.raises(UserError, match="train.tsv:5: "):
        encode_corpus(records, tmp_path / "encoded", OPTIONS, SEED, untracked)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("text.json", b"{", "Invalid JSON"),
        ("text.json", b'{"tokenizer": "word", "max_tokens": 5}', "no tokenizer.json, and tokenizer is 'word'"),
        ("vocabulary.txt", b"<pad>\n", "does not begin with <pad>, <unk>"),
        ("vocabulary.txt", b"<pad>\n<unk>\na\na\n", "an empty or a repeated line"),
        ("vocabulary.txt", b"<pad>\n<unk>\n", "train/tokens.bin has an id beyond 1"),
        ("labels.tsv", b"\xff", "can't decode"),
        ("train/tokens.bin", b"123", "multiple of the data-type size"),
        ("train/token_offsets.bin", bytes(8), "token_offsets.bin does not fit tokens.bin"),
        ("test/token_offsets.bin", np.array([0, 3, 2, 4]).tobytes(), "token_offsets.bin does not rise"),
        ("test/token_offsets.bin", np.array([0, 4]).tobytes(), "of other numbers of documents"),
        ("test/labels.bin", np.array([-2, 0, 0], np.int32).tobytes(), "labels.bin has an id beyond 1"),
    ],
)
def test_a_damaged_encoded_corpus_is_refused_with_the_stage_to_run_again(encode, tmp_path, file, content, complaint):
    encode()
    folder = tmp_path / "encoded"
    (folder / file).write_bytes(content)
    message = f"(?s){folder}: damaged, or not what encode writes .*{complaint}.*; run encode again"
    with pytest.raises(UserError, match=message):
        load_encoded(folder)
