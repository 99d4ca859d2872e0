"""Every parser of the library, each with a valid input in miniature and the damage that it is to withstand.

`read` gets a folder with the files of a valid input, of which `target` has been damaged, and uses what it read; it
raises `UserError`, or whatever it returns is right.
"""

import bz2
import gzip
import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hostile.archives import archives_of, unpacked_safely
from hostile.damage import Bytes, damaged, damaged_json
from hostile.server import fetched
from xmlcore.attacks.words.generators import Request
from xmlcore.attacks.words.generators.synonyms import Synonyms
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.language import load_language, write_language
from xmlcore.attacks.words.sampling import Bin, Sample, read_samples, write_samples
from xmlcore.corpora import CONVERTERS
from xmlcore.corpora.records import SPLITS, read_records
from xmlcore.embeddings import InitialVectors, glove_vectors, load_vectors, save_vectors
from xmlcore.encoding import encode_corpus, load_encoded
from xmlcore.explain.documents import select_documents
from xmlcore.explain.gallery import chosen_attacks, read_attacks
from xmlcore.explain.stability import read_study, stability
from xmlcore.files import write_json
from xmlcore.journal import Journal
from xmlcore.models.storage import build_model, load_model, save_model
from xmlcore.networks import NETWORKS, XLNetShape
from xmlcore.params import Convert, Encode, TinyCheckpoint, load_params
from xmlcore.predictions import Predictions, read_predictions, write_predictions
from xmlcore.report.collect import collect
from xmlcore.report.provenance import read_provenance
from xmlcore.stored import written_by
from xmlcore.text import Vocabulary

ROOT = Path(__file__).parents[2]
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Parser:
    name: str
    files: Callable[[], Files]  # of a valid input, by path
    target: str  # the one that is damaged
    read: Callable[[Path], object]
    inputs: Callable[[bytes], Bytes] = damaged  # of the target's valid content
    slow: bool = False  # to read: fewer inputs are tried


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(write: Callable[[Path], object]) -> Callable[[], Files]:
    """The files that `write` leaves in an empty folder; it is asked once."""

    @cache
    def files() -> Files:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            return files_of(Path(folder))

    return files


def damaged_text(valid: bytes) -> Bytes:
    """A JSON or any other text, damaged as bytes or as values."""
    return damaged(valid) | damaged_json(json.loads(valid))


def compressed(compress: Callable[[bytes], bytes]) -> Callable[[bytes], Bytes]:
    """Damaged before or after it was compressed; `valid` is the compressed file."""
    decompress = {gzip.compress: gzip.decompress, bz2.compress: bz2.decompress}[compress]
    bombs = st.sampled_from([compress(b"x" * (100 << 20)), compress((b"1\t" + b"x" * 9997 + b"\n") * 10_000)])
    return lambda valid: st.one_of(*2 * [damaged(valid)], *4 * [damaged(decompress(valid)).map(compress)], bombs)


# Corpora

REUTERS = b"""<!DOCTYPE lewis SYSTEM "lewis.dtd">
<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1">
<TOPICS><D>cocoa</D></TOPICS>
<TEXT><TITLE>BAHIA &lt;&#3;</TITLE></TEXT>
</REUTERS>
<REUTERS TOPICS="YES" LEWISSPLIT="TEST" NEWID="2">
<TOPICS><D>cocoa</D></TOPICS>
<TEXT TYPE="UNPROC">x</TEXT>
</REUTERS>
"""
TEXTS = b"1 2\tsome text\n3\tmore\n"
CORPORA: dict[str, dict[str, bytes]] = {
    "bag_of_words": {
        "train.txt": b"2 3 2\n0,1 0:0.5 2:1\n 1:1\n",
        "test.txt": b"1 3 2\n1 1:1\n",
        "a_features.txt": b"oil\ngas\noil\n",
        "a_labels.txt": b"crude\ngas\n",
    },
    "labelled_text": {"train.txt": TEXTS, "test.txt": b"1\tx\n"},
    "lyrl2004": {
        "lyrl2004_tokens_train.dat": b".I 1\n.W\nrecov excit\n\n.I 2\n.W\nrubb\n",
        "lyrl2004_tokens_test_pt0.dat": b".I 3\n.W\nlatex\n",
        "rcv1-v2.topics.qrels": b"E11 1 1\nECAT 3 1\n",
    },
    "reuters21578": {"reut2-000.sgm": REUTERS},
}
COMPRESSED = {
    "train.txt.gz": (gzip.compress(TEXTS, mtime=0), compressed(gzip.compress)),
    "train.txt.bz2": (bz2.compress(TEXTS), compressed(bz2.compress)),
}
RECORDS = b"1\ta b\tsome text here\n2\tb\tmore text\n3\ta\ttext some\n4\tb\t\n5\t\there\n"


def convert(name: str, folder: Path) -> None:
    """The format `name`, whose records are read back."""
    destination = folder / "records"
    try:
        CONVERTERS[name](folder, destination, Convert(format=name, order="idf"))
        for split in SPLITS:
            assert list(read_records(destination / f"{split}.tsv"))
    finally:
        for path in destination.glob("*.tsv"):
            path.unlink()


def corpora() -> Iterator[Parser]:
    for name, files in CORPORA.items():
        for target in files:
            yield Parser(f"{name} {target}", lambda files=files: files, target, partial(convert, name))
    for target, (content, inputs) in COMPRESSED.items():
        files = {target: content, "test.txt": b"1\tx\n"}
        read = partial(convert, "labelled_text")
        yield Parser(f"labelled_text {target}", lambda files=files: files, target, read, inputs)
    yield Parser("records", lambda: {"train.tsv": RECORDS}, "train.tsv", lambda it: [*read_records(it / "train.tsv")])


# Parameters


@cache
def parameters() -> dict[str, Any]:
    """Those of the repository, of few corpora and models, as plain JSON."""
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["corpus"] = {name: params["corpus"][name] for name in ("simulated-rcv1", "bibtex")}
    params["model"] = {name: params["model"][name] for name in ("xml_cnn", "mach")}
    for corpus in params["corpus"].values():
        corpus["model"] = {name: change for name, change in corpus["model"].items() if name in params["model"]}
    params.update(corpora=["simulated-rcv1"], models=["xml_cnn"], checkpoints=[])
    return params


ODD = b"""\
corpora: [a]
seed: 1
a: &a [x, x]
b: &b [*a, *a]
encode: &c {x: *b}
? [1]
: 2
d: 2020-01-01
e: !!binary aGk=
fgsm: {epsilons: [0.0, 0.1], bits: 8, <<: *c}
"""


def use_params(folder: Path) -> None:
    params = load_params(folder / "params.yaml")
    for corpus in params.corpora:
        for model in params.models:
            params.encode_of(corpus, model)
            params.model_of(corpus, model)
    for regime in params.regimes:
        params.regime_of(regime)
    for loss in params.losses:
        params.loss_of(loss)


def params_files() -> Iterator[Parser]:
    def whole() -> Files:
        return {"params.yaml": json.dumps(parameters()).encode()}

    def typed() -> Files:
        text = io.BytesIO()
        YAML(typ="safe").dump(parameters(), text)
        return {"params.yaml": text.getvalue()}

    yield Parser("params.yaml", typed, "params.yaml", use_params, slow=True)
    yield Parser("params.yaml, odd YAML", lambda: {"params.yaml": ODD}, "params.yaml", use_params)
    yield Parser(
        "params.yaml values", whole, "params.yaml", use_params, lambda it: damaged_json(json.loads(it)), slow=True
    )


# Downloads


def archive(kind: str) -> Files:
    body = {"a/one.txt": b"one" * 500, "two.txt": b"22"}
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in body.items():
                packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(fileobj=stream, mode="w") as packed:
            for name, content in body.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                packed.addfile(info, io.BytesIO(content))
    compress = {"tar.gz": gzip.compress, "tar.bz2": bz2.compress}.get(kind, bytes)
    return {f"corpus.{kind}": compress(stream.getvalue())}


RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:9/x\r\n\r\n"
ADDRESS = b"http://127.0.0.1:9/a%20b?c#d"


def downloads() -> Iterator[Parser]:
    for kind in ("tar", "tar.gz", "tar.bz2", "zip"):
        name = f"corpus.{kind}"
        read = partial(unpacked_safely, name=name)
        inputs = {"tar.gz": compressed(gzip.compress), "tar.bz2": compressed(bz2.compress)}.get(kind, damaged)
        yield Parser(f"archive {kind}, damaged", partial(archive, kind), name, read, inputs)
        yield Parser(
            f"archive {kind}, hostile", partial(archive, kind), name, read, lambda _, kind=kind: archives_of(kind)
        )
    for name, content in (("response", RESPONSE), ("response in chunks", CHUNKED), ("response elsewhere", MOVED)):
        yield Parser(f"download: {name}", lambda content=content: {"answer": content}, "answer", fetched, slow=True)
    yield Parser("download: address", lambda: {"address": ADDRESS}, "address", fetched)


# Words

GLOVE = "oil 0.1 -0.2 1e-3\ngas 1 2 3\n\u2028 1 1 1\nother 0 0 0\n".encode()
SYNONYMS = b"oil petroleum\ngas oil\n"


def use_synonyms(folder: Path) -> None:
    request = Request(["oil"], 0, Target(0, "positive", (0,), (True,)))
    assert all(word and word != "oil" for word in Synonyms(folder).propose([request], 3)[0])


def words() -> Iterator[Parser]:
    vocabulary = Vocabulary(["oil", "gas", "other"])
    glove = partial(glove_vectors, vocabulary=vocabulary, dimension=3, seed=0)
    yield Parser("GloVe", lambda: {"glove.3d.txt": GLOVE}, "glove.3d.txt", lambda it: finite(glove(it)[0]))
    lexicon = {"synonyms.txt": SYNONYMS, "antonyms.txt": b"gas oil\n"}
    for target in lexicon:
        yield Parser(f"lexicon {target}", lambda: lexicon, target, use_synonyms)


def finite(values: np.ndarray) -> None:
    assert np.isfinite(values).all()


# What stages write for one another

TINY = TinyCheckpoint(vocabulary=500, body=XLNetShape(width=4, layers=1, heads=2, inner=4))
VECTORS = np.random.default_rng(0).standard_normal((6, 4), np.float32)


def untracked(items: Any, *_: Any, **__: Any) -> Any:
    return items


def write_encoded(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as records:
        for split in SPLITS:
            Path(records, f"{split}.tsv").write_bytes(RECORDS)
        encode_corpus(Path(records), folder, Encode(min_count=1), 0, untracked)


def use_encoded(folder: Path) -> None:
    corpus = load_encoded(folder)
    assert isinstance(corpus.tokenize("some text"), list)
    for split in corpus.splits.values():
        for i in range(len(split)):
            assert all(corpus.vocabulary.tokens[token] is not None for token in split.document(i)), i
            assert len(split.document(i)) and split.document(i).min() >= 0
            assert all(corpus.label_names[label] for label in split.labels_of(i) if label >= 0)


def write_words(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as records:
        for split in SPLITS:
            Path(records, f"{split}.tsv").write_bytes(RECORDS)
        write_language(Path(records), folder, Encode(min_count=1), 0, untracked)


def use_words(folder: Path) -> None:
    language = load_language(folder)
    size = len(language.vocabulary)
    finite(language.vectors[range(size)])
    finite(language.idf[range(size)])
    assert (language.idf.ndim, language.vectors.ndim) == (1, 2)


def write_model(architecture: str, network: dict[str, Any], folder: Path) -> None:
    torch.manual_seed(0)
    shape = NETWORKS[architecture].model_validate(network)
    save_model(folder, build_model(architecture, VECTORS, 5, shape), architecture, shape)


def use_model(folder: Path) -> None:
    model = load_model(folder)
    with torch.inference_mode():
        logits = model(torch.tensor([[2, 3, 1], [1, 0, 0]]))
    assert logits.shape == (2, model.labels)


MODELS: dict[str, dict[str, Any]] = {
    "xml_cnn": {"windows": [2, 3], "filters": 3, "chunks": 2, "hidden": 6},
    "mach": {"repetitions": 2, "buckets": 3, "encoder": {"bag_of_words": {}}},
    "attention_xml": {"lstm": 2, "hidden": [3], "tree": [2], "candidates": 2},
}


def write_best(folder: Path) -> None:
    labels = np.array([[3, 1], [0, 2]], np.int32)
    write_predictions(folder, Predictions(labels, np.array([[0.9, 0.1], [0.8, 0.7]], np.float32)))


def use_best(folder: Path) -> None:
    records = [*read_records(folder / "test.tsv")]
    names = ["a", "b", "c", "d"]
    with written_by("predict", folder):
        documents = select_documents(records, read_predictions(folder), names, [0, 1])
    for document in documents:
        assert all(each.name in names and 0 <= each.score <= 1 for each in document.predictions)


def best_files() -> Files:
    return written(write_best)() | {"test.tsv": RECORDS}


SAMPLES = [Sample("positive", 1, (0, 1), Bin(1, 2)), Sample("non_targeted", 0, (), None)]


def use_samples(folder: Path) -> None:
    samples = read_samples(folder / "targets.json", documents=5, labels=2)
    write_samples(samples, folder / "again.json")
    (folder / "again.json").unlink()
    assert all(type(each.document) is int and each.document >= 0 for each in samples)
    assert all(type(label) is int and label >= 0 for each in samples for label in each.labels)
    assert all(each.bin is None or (each.bin.lowest >= 0 and each.bin.highest >= 0) for each in samples)


VALUES = [[{"success": True, "words": ["naïve", "\n"]}], [], [{"success": False, "words": []}]]


def write_journal(folder: Path) -> None:
    journal = Journal(folder / "journal", "fingerprint")
    for value in VALUES:
        journal.append(value)


def use_journal(folder: Path) -> None:
    """What is left of a damaged journal is what was written into it."""
    journal = Journal(folder / "journal", "fingerprint")
    assert [journal[i] for i in range(len(journal))] == VALUES[: len(journal)]


def stored() -> Iterator[Parser]:
    encoded = written(write_encoded)
    for target in ("vocabulary.txt", "labels.txt", *(f"train/{name}.bin" for name in ("tokens", "token_offsets"))):
        yield Parser(f"encoded {target}", encoded, target, use_encoded)
    for target in ("test/labels.bin", "validation/label_offsets.bin"):
        yield Parser(f"encoded {target}", encoded, target, use_encoded)
    yield Parser("encoded config.json", encoded, "config.json", use_encoded, damaged_text)
    vectors = written(partial(save_vectors, vectors=InitialVectors(VECTORS, VECTORS)))
    vocabulary = Vocabulary("abcd")
    yield Parser("embeddings", vectors, "refit.npy", lambda it: finite(load_vectors(it, vocabulary).refit))
    for target in ("idf.npy", "vectors.npy"):
        yield Parser(f"words {target}", written(write_words), target, use_words)
    for architecture, network in MODELS.items():
        files = written(partial(write_model, architecture, network))
        yield Parser(f"model {architecture} config.json", files, "config.json", use_model, damaged_text)
        yield Parser(f"model {architecture} weights", files, "weights.safetensors", use_model)
    for target in ("labels.npy", "scores.npy"):
        yield Parser(f"predictions {target}", best_files, target, use_best)
    samples = written(lambda folder: write_samples(SAMPLES, folder / "targets.json"))
    yield Parser("targets.json", samples, "targets.json", use_samples, damaged_text)
    yield Parser("journal", written(write_journal), "journal", use_journal)
    for target, content, use in (("attacks.jsonl", ATTACK, use_attacks), ("study.json", STUDY, use_study)):
        yield Parser(target, partial(dict, {target: json.dumps(content).encode()}), target, use, damaged_text)


def use_attacks(folder: Path) -> None:
    for attack in chosen_attacks(read_attacks(folder / "attacks.jsonl", {"a", "b"}), 1):
        for change in attack["changes"]:
            assert attack["words"][change["position"]] is not None


def use_study(folder: Path) -> None:
    found = read_study(folder / "study.json")
    stability(found, found)


# Checkpoints


def write_xlnet(folder: Path) -> None:
    from xmlcore.simulation.checkpoint import write_tiny_checkpoint

    write_tiny_checkpoint(TINY, 7, folder)


def use_xlnet(folder: Path) -> None:
    from xmlcore.checkpoints import load_xlnet, piece_vectors

    weights = load_xlnet(str(folder))
    assert weights.ending.shape == (2, weights.shape.width)
    piece_vectors(str(folder), Vocabulary(["▁the", "x"]))


VOCABULARY = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\noil\n"


def write_masked(folder: Path) -> None:
    """As the stage `train_masked_lm` does."""
    from transformers import BertConfig, BertForMaskedLM

    from xmlcore.masked_lm import SPECIAL, write_masked_lm

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as encoded:
        write_encoded(Path(encoded))
        corpus = load_encoded(Path(encoded))
    sizes = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 4}
    config = BertConfig(
        vocab_size=len(corpus.vocabulary) + len(SPECIAL), max_position_embeddings=12, type_vocab_size=1, **sizes
    )
    write_masked_lm(BertForMaskedLM(config), corpus, folder)


def use_masked(folder: Path) -> None:
    from xmlcore.checkpoints import load_masked_lm
    from xmlcore.masked_lm import masked_logits

    tokenizer, model = load_masked_lm(str(folder), "words.masked_lm")
    tokens = torch.tensor([[2, tokenizer.mask_token_id, 3]])
    assert masked_logits(model, tokens, tokens == tokenizer.mask_token_id).shape[1] == model.config.vocab_size


def use_vocabulary(folder: Path) -> None:
    """A folder with only `vocab.txt`, as BERT's first checkpoints."""
    from xmlcore.checkpoints import load_tokenizer

    assert isinstance(load_tokenizer(str(folder), "key", "otherwise").tokenize("the oil"), list)


def write_pieces(folder: Path) -> None:
    write_encoded(folder)
    with tempfile.TemporaryDirectory() as checkpoint:
        write_xlnet(Path(checkpoint))
        (folder / "tokenizer.json").write_bytes(Path(checkpoint, "tokenizer.json").read_bytes())


def checkpoints() -> Iterator[Parser]:
    xlnet = written(write_xlnet)
    for target in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        yield Parser(f"checkpoint {target}", xlnet, target, use_xlnet, damaged_text, slow=True)
    yield Parser("checkpoint model.safetensors", xlnet, "model.safetensors", use_xlnet, slow=True)
    masked = written(write_masked)
    for target in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        yield Parser(f"masked language model {target}", masked, target, use_masked, damaged_text, slow=True)
    yield Parser("masked language model weights", masked, "model.safetensors", use_masked, slow=True)
    vocabulary = {"vocab.txt": VOCABULARY}
    yield Parser("checkpoint vocab.txt", lambda: vocabulary, "vocab.txt", use_vocabulary, slow=True)
    yield Parser(
        "encoded tokenizer.json", written(write_pieces), "tokenizer.json", use_encoded, damaged_text, slow=True
    )


# The report

CELL = ("toy", "xml_cnn", "clean", "bce")
SHARES = {"P@1": 0.9, "P@3": 0.6, "P@5": 0.4, "nDCG@1": 0.9, "nDCG@3": 0.8, "nDCG@5": 0.7}
RATES = {
    "samples": 3,
    "clean_accuracy": 1.0,
    "success_rate": 0.5,
    "accuracy_under_attack": 0.5,
    "success_rate@0.80": 0.5,
}
KS = (1, 3, 5)
INTERVAL = {"mean": 0.5, "low": 0.4, "high": 0.6}
STUDY = {"lime": [{"document": 0, "doc_id": "1", "label_name": "a", "tokens": ["x", "y"], "weights": [0.5, -0.1]}]}
REPORTED: dict[str, Any] = {
    "metrics/toy/xml_cnn/corpus.json": {
        **dict.fromkeys(("train_documents", "validation_documents", "test_documents", "vocabulary", "labels"), 3),
        **dict.fromkeys(("labels_per_document", "documents_per_label"), 1.5),
        **dict.fromkeys(("tokens_per_train_document", "tokens_per_test_document"), 1.5),
    },
    "metrics/toy/xml_cnn/clean/bce/fgsm/eps=0.00.json": {"epsilon": 0.0, **SHARES, "gap@1": 0, "gap@3": 0, "gap@5": 0},
    "metrics/toy/xml_cnn/clean/bce/ranking.json": {
        **SHARES,
        **dict.fromkeys(("PSP@1", "PSP@3", "PSP@5", "recall@5", "micro_F1", "macro_F1"), 0.5),
    },
    "metrics/toy/xml_cnn/clean/bce/train.json": {"epochs": 2, "best_epoch": 1, "validation_P@1": 0.5, "parameters": 9},
    "metrics/toy/xml_cnn/clean/bce/words.json": {
        "positive": {"gradient": {**RATES, "similarity": 0.9, "change_rate": None, "queries": 3.0}}
    },
    "plots/toy/xml_cnn/clean/bce/words.json": [
        {"goal": "positive", "generator": "gradient", "lowest": 1, "highest": 2, **RATES}
    ],
    "plots/toy/xml_cnn/clean/bce/label_bins.json": [
        {"frequency": "1-5", "labels": 3, "pairs": 4, "recall@5": 0.5, "PSP@5": 0.5}
    ],
    "plots/toy/xml_cnn/clean/bce/squeezing.json": [
        {"epsilon": 0.0, "squeeze": "none", "attacker": "aware", "P@1": 0.5, "P@3": 0.5, "P@5": 0.5, "tied": 0.0}
    ],
    "timings/toy/xml_cnn/clean/bce/train.json": {"seconds": 1.5},
    "explanations/toy/xml_cnn/clean/bce/lime/explanations.json": [
        {"document": 0, "doc_id": "1", "label_name": "a", "tokens": ["x"], "weights": [0.5], "r2": 0.5},
        {"document": 1, "skipped": "no token"},
    ],
    "explanations/toy/xml_cnn/clean/bce/lime/global.json": [{"token": "x", "importance": 1.0}],
    "metrics/toy/xml_cnn/clean/bce/sanity.json": {
        **{"threat_model": "white box", "epsilon": 0.1, "documents": 9, "zero_gradients": 0.0, "breaks_at": None},
        "P@1": dict.fromkeys(("clean", "noise", "fgsm", "pgd", "pgd_margin", "pgd_top_k", "pgd_l2", "worst"), 0.5),
        **{"steps": {"1": 0.5}, "restarts": {"1": 0.5}, "checks": {"model_breaks": False, "steps_converge": True}},
    },
    "plots/toy/xml_cnn/clean/bce/attacks.json": [
        {"attack": "pgd", "norm": "linf", "epsilon": 0.1} | {f"{each}@{k}": 0.5 for each in ("P", "nDCG") for k in KS}
    ],
    "metrics/toy/xml_cnn/clean/bce/faithfulness.json": {
        **{"documents": 9, "agreement": {"lime_ig": 0.5}, "better_than_random": {"lime": True}},
        "methods": {
            "lime": dict.fromkeys(
                ("masking", "deletion"), {"comprehensiveness": 0.5, "sufficiency": 0.1, "naopc": INTERVAL}
            )
        },
    },
    "metrics/toy/xml_cnn/clean/bce/stability.json": {
        **{"documents": 9, "attacked": {"lime": {"rank_correlation": INTERVAL, "overlap": INTERVAL}}},
    },
    "explanations/toy/xml_cnn/clean/bce/gallery.json": [
        {
            **{"document": 0, "doc_id": "1", "label_name": "a", "true_labels": ["a"]},
            **{"goal": "positive", "generator": "gradient"},
            "texts": dict.fromkeys(
                ("original", "attacked"),
                {"score": 0.5, "rank": 1, "tokens": ["x"], "changed": [0], "weights": {"lime": [0.5]}},
            ),
        }
    ],
    "attacks/toy/xml_cnn/targets/clusters.json": [["a", "b"], ["c"]],
}
ATTACK = {
    **{"goal": "positive", "generator": "gradient", "document": 0, "doc_id": "1", "labels": ["a"]},
    **{"bin": {"lowest": 1, "highest": 2}},
    **{"true_labels": ["a"], "words": ["x", "y"], "changes": [{"position": 1, "word": "y", "substitute": ""}]},
    **{"ranks_before": [1], "ranks_after": [9], "best_before": ["a"], "best_after": ["b"], "success": True},
}
CURVE = "plots/toy/xml_cnn/clean/bce/learning/plots/metrics/validation_P@1.tsv"
ATTACKS = "attacks/toy/xml_cnn/clean/bce/attacks.jsonl"
LOCK = b"""\
schema: '2.0'
stages:
  encode@toy-xml_cnn:
    cmd: python stages/encode.py toy xml_cnn
    deps:
    - {path: xmlcore/text.py, hash: md5, md5: aaaa, size: 1}
    outs:
    - {path: data/toy/encoded/xml_cnn, hash: md5, md5: cccc, size: 1}
"""


def write_reported(folder: Path) -> None:
    for name, value in REPORTED.items():
        write_json(folder / name, value)
    for name, text in ((CURVE, "step\tvalidation_P@1\n0\t0.5\n1\t0.75\n"), (ATTACKS, json.dumps(ATTACK) + "\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def use_reported(folder: Path) -> None:
    results = collect(folder, ["toy"], ["xml_cnn"], ["clean"], ["bce"], 0.0)
    assert results.corpora == ["toy"]


def reports() -> Iterator[Parser]:
    files = written(write_reported)
    for target in REPORTED:
        yield Parser(
            f"report {Path(target).name} of {Path(target).parts[0]}", files, target, use_reported, damaged_text
        )
    yield Parser("report attacks.jsonl", files, ATTACKS, use_reported, damaged_text)
    yield Parser("report learning curve", files, CURVE, use_reported)
    yield Parser("report dvc.lock", lambda: {"dvc.lock": LOCK}, "dvc.lock", lambda it: read_provenance(it, ["toy"]))


PARSERS = [*corpora(), *params_files(), *downloads(), *words(), *stored(), *checkpoints(), *reports()]
