"""A BERT of random weights on disk, with its tokenizer, and documents of its pieces."""

from pathlib import Path

import torch
from transformers import BertModel, BertTokenizer

from toys import split_of
from xmlcore.config.architectures import BERTShape
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.pretrained import BERT
from xmlcore.data.tokens import Vocabulary

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "wheat", "trade", "price", "##s", "rose", "fell"]
SPLITS = {"train": split_of([[2, 4, 5, 6], [7]], [[0], [1]]), "validation": split_of([[3, 4, 5]], [[1]])}
CORPUS = EncodedCorpus(Vocabulary(PIECES[5:]), ["a", "b"], "words", 10, splits=SPLITS)
TEXTS = ["wheat prices rose", "fell", "trade prices"]  # of its documents


def write_checkpoint(folder: Path) -> str:
    """Write the checkpoint into `folder`, and return its name."""
    torch.manual_seed(0)
    shape = BERTShape(width=8, layers=3, heads=2, inner=12, positions=9)
    BertModel(BERT.config(shape, vocab_size=len(PIECES))).save_pretrained(folder)
    BertTokenizer(vocab={piece: i for i, piece in enumerate(PIECES)}).save_pretrained(folder)
    return str(folder)
