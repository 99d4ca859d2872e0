"""Checkpoints of transformers."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from hostile.damage import damaged_text
from hostile.parsers.base import Parser, written
from hostile.parsers.stored import use_encoded, write_encoded
from xmlcore.config.architectures import ARCHITECTURES, BERTShape, XLNetShape
from xmlcore.config.params import TinyCheckpoint
from xmlcore.data.dataset import load_encoded
from xmlcore.data.tokens import Vocabulary
from xmlcore.models.registry import build_model

TINY = TinyCheckpoint(vocabulary=500, body=XLNetShape(width=4, layers=1, heads=2, inner=4))


def write_xlnet(folder: Path) -> None:
    from xmlcore.corpora.simulation.checkpoint import write_tiny_checkpoint

    write_tiny_checkpoint(TINY, 7, folder)


def use_body(folder: Path, architecture: str) -> None:
    """As the stages `build_embedding` and `train` do."""
    from xmlcore.data.pretrained import piece_vectors

    vectors, _ = piece_vectors(str(folder), Vocabulary(["▁the", "x"]))
    network = ARCHITECTURES[architecture].network.model_validate({"checkpoint": str(folder), "hidden": 4})
    model = build_model(architecture, vectors, 2, network)
    assert model.special.shape == (2, model.shape.width)


def write_bert(folder: Path) -> None:
    """A body without a head, whose pooler no fine-tuning reads."""
    from transformers import BertModel, BertTokenizer

    from xmlcore.data.pretrained import BERT

    torch.manual_seed(0)
    pieces = VOCABULARY.decode().split()
    BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}).save_pretrained(folder)
    shape = BERTShape(width=4, layers=1, heads=2, inner=4, positions=12)
    BertModel(BERT.config(shape, vocab_size=len(pieces))).save_pretrained(folder)


VOCABULARY = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\noil\n"


def write_masked(folder: Path) -> None:
    """Write a checkpoint as the stage `learn_language` does."""
    from transformers import BertConfig, BertForMaskedLM

    from xmlcore.attacks.words.language_model import SPECIAL, write_masked_lm

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
    from xmlcore.attacks.words.language_model import masked_logits
    from xmlcore.common.device import CPU
    from xmlcore.data.pretrained import load_masked_lm

    tokenizer, model = load_masked_lm(str(folder), "words.masked_lm", CPU)
    tokens = torch.tensor([[2, tokenizer.mask_token_id, 3]])
    assert masked_logits(model, tokens, tokens == tokenizer.mask_token_id).shape[1] == model.config.vocab_size


def use_vocabulary(folder: Path) -> None:
    """A folder with only `vocab.txt`, as BERT's first checkpoints."""
    from xmlcore.data.pretrained import load_tokenizer

    assert isinstance(load_tokenizer(str(folder), "key", "otherwise").tokenize("the oil"), list)


def write_pieces(folder: Path) -> None:
    write_encoded(folder)
    with tempfile.TemporaryDirectory() as checkpoint:
        write_xlnet(Path(checkpoint))
        (folder / "tokenizer.json").write_bytes(Path(checkpoint, "tokenizer.json").read_bytes())


def parsers() -> Iterator[Parser]:
    for name, write, architecture in (("XLNet", write_xlnet, "aplc_xlnet"), ("BERT", write_bert, "aplc_bert")):
        files, use = written(write), partial(use_body, architecture=architecture)
        for target in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            yield Parser(f"{name} {target}", files, target, use, damaged_text, slow=True)
        yield Parser(f"{name} model.safetensors", files, "model.safetensors", use, slow=True)
    masked = written(write_masked)
    for target in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        yield Parser(f"masked language model {target}", masked, target, use_masked, damaged_text, slow=True)
    yield Parser("masked language model weights", masked, "model.safetensors", use_masked, slow=True)
    vocabulary = {"vocab.txt": VOCABULARY}
    yield Parser("checkpoint vocab.txt", lambda: vocabulary, "vocab.txt", use_vocabulary, slow=True)
    yield Parser(
        "encoded tokenizer.json", written(write_pieces), "tokenizer.json", use_encoded, damaged_text, slow=True
    )
