"""A tiny XLNet in the files of a pretrained one, so that the pipeline runs whole without a network.

Its weights are random and so large that they keep the scale of the signal; those of a wide model may be smaller. Its
tokenizer is a Unigram model (Kudo 2018) of the words of the simulated corpora, with the special tokens of XLNet's at
the same places.
"""

import json
import math
import re
from pathlib import Path

import torch

from xmlcore.config.params import TinyCheckpoint
from xmlcore.corpora.simulation.resources import read_lines
from xmlcore.corpora.simulation.stemming import stemmed_tokens
from xmlcore.data.pretrained import XLNET

SPECIAL_PIECES = ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>")  # ids as published
RESOURCES = ("sentences.txt", "names.txt", "eurovoc.txt", "stopwords.txt", "topics.txt")
_WORD = re.compile(r"[^\W_]+|_")


def write_tiny_checkpoint(tiny: TinyCheckpoint, seed: int, folder: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer's files into `folder`, which exists.

    The bytes are a function of `tiny` and `seed` alone.
    """
    from transformers import XLNetConfig, XLNetModel, XLNetTokenizer, logging

    logging.disable_progress_bar()
    XLNetTokenizer(vocab=unigram_pieces(tiny.vocabulary)).save_pretrained(folder)
    torch.manual_seed(seed)
    deviation = 1 / math.sqrt(tiny.body.width)
    config = XLNET.config(tiny.body, vocab_size=tiny.vocabulary, initializer_range=deviation)
    assert isinstance(config, XLNetConfig)
    XLNetModel(config).save_pretrained(folder)


def unigram_pieces(size: int) -> list[tuple[str, float]]:
    """Return `size` pieces with their log probabilities: special ones first, then by falling probability and by name.

    The trainer sums in an order that differs from run to run, so the last digits of a score are dropped. It adds the
    characters that have no piece of their own in any order, each 0.0001 above the last, from the lowest score on: all
    of these get the lowest score.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=[*SPECIAL_PIECES], unk_token="<unk>", show_progress=False
    )
    trained.train_from_iterator(_words(), trainer)
    found = dict(json.loads(trained.to_str())["model"]["vocab"])
    for piece in SPECIAL_PIECES:
        found.pop(piece, None)
    lowest = min(found.values())
    added = lowest + 0.0001 * sum(len(piece) == 1 for piece in found)
    pieces = [
        (piece, round(lowest if len(piece) == 1 and score < added else score, 6)) for piece, score in found.items()
    ]
    return [*((piece, 0.0) for piece in SPECIAL_PIECES), *sorted(pieces, key=lambda each: (-each[1], each[0]))]


def _words() -> list[str]:
    """Return the words of the resources, as written and as stems, as often as they occur."""
    lines = [line for name in RESOURCES for line in read_lines(name)]
    return [word for line in lines for word in (*_WORD.findall(line), *stemmed_tokens(line))]
