"""A small BERT (Devlin et al. 2018) that a corpus trains for its own language, stemmed words or tags as they may be.

It is written as a checkpoint in the files of `transformers`, and read like any other. Its ids of words are those of the
corpus's vocabulary; what stands for the unknown word is `UNK`, and the special tokens come after the words.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from xmlcore.batching import batches, pad
from xmlcore.encoding import Split
from xmlcore.errors import UserError
from xmlcore.params import MaskedLM
from xmlcore.text import PAD, UNK, Vocabulary

if TYPE_CHECKING:
    from transformers import BertForMaskedLM

SPECIAL = ("[CLS]", "[SEP]", "[MASK]")
CHOSEN, MASKED, RANDOM = 0.15, 0.8, 0.1  # of the words; of the chosen ones; the rest of these stay what they are
IGNORED = -100


def train_masked_lm(
    split: Split, vocabulary: Vocabulary, options: MaskedLM, seed: int, track: Callable[..., Iterable]
) -> tuple["BertForMaskedLM", float]:
    """A masked language model of the documents of `split`, and its mean loss (nats a word) in the last epoch.

    Raises `UserError` where the vocabulary has no word.
    """
    from transformers import BertConfig, BertForMaskedLM

    if len(vocabulary) <= UNK + 1:
        raise UserError("encode.min_count: the vocabulary has no word to learn a masked language model from; lower it")
    torch.manual_seed(seed)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(vocabulary) + len(SPECIAL),
            hidden_size=options.width,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            intermediate_size=4 * options.width,
            max_position_embeddings=options.window + 2,
            type_vocab_size=1,
            pad_token_id=PAD,
        )
    )
    windows = _windows(split, options.window)
    lengths = np.array([len(window) for window in windows])
    steps = -(-len(windows) // options.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), options.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps * options.epochs)
    rng = np.random.default_rng(seed)
    model.train()
    total = 0.0
    for epoch in range(1, options.epochs + 1):
        total = 0.0
        order = batches(lengths, options.batch_size, rng)
        for chosen in track(order, f"masked language model, epoch {epoch}/{options.epochs}", total=steps):
            tokens, answers = mask_words([windows[i] for i in chosen], len(vocabulary), rng)
            model.zero_grad()
            loss = functional.cross_entropy(
                masked_logits(model, tokens, answers != IGNORED), answers[answers != IGNORED]
            )
            loss.backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
    return model.eval(), total / steps


def mask_words(windows: list[np.ndarray], words: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Inputs and answers, (B, T + 2) int64 each, of windows of word ids; `words` is the size of the vocabulary.

    Of every window `CHOSEN` of the words, and one at least, have their id as answer; all else has `IGNORED`.
    """
    start, end, mask = range(words, words + len(SPECIAL))
    tokens = pad([np.concatenate([[start], window, [end]]) for window in windows])
    answers = torch.full_like(tokens, IGNORED)
    for row, answer, window in zip(tokens, answers, windows, strict=True):
        draw = rng.random(len(window))
        chosen = 1 + np.flatnonzero((draw < CHOSEN) | (draw == draw.min()))
        answer[chosen] = row[chosen]
        kind = rng.random(len(chosen))
        row[chosen[kind < MASKED]] = mask
        other = chosen[(kind >= MASKED) & (kind < MASKED + RANDOM)]
        row[other] = torch.from_numpy(rng.integers(UNK, words, size=len(other)))
    return tokens, answers


def masked_logits(model: "BertForMaskedLM", tokens: Tensor, places: Tensor) -> Tensor:
    """(N, V) logits at the N true `places` (B, T) of `tokens` (B, T), padded with `PAD`; no other is projected."""
    hidden = model.bert(tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
    return model.cls(hidden[places])


@torch.inference_mode()
def masked_accuracy(model: "BertForMaskedLM", split: Split, words: int, options: MaskedLM, seed: int) -> float:
    """How many of the masked words of at most a thousand windows of `split` the model guesses at once."""
    windows = _windows(split, options.window)[:1000]
    rng = np.random.default_rng(seed)
    right = asked = 0
    for chosen in batches(np.array([len(window) for window in windows]), options.batch_size):
        tokens, answers = mask_words([windows[i] for i in chosen], words, rng)
        places = answers != IGNORED
        right += int((masked_logits(model, tokens, places).argmax(1) == answers[places]).sum())
        asked += int(places.sum())
    return right / max(asked, 1)


def write_masked_lm(model: "BertForMaskedLM", vocabulary: Vocabulary, folder: Path) -> None:
    """Write model and tokenizer into `folder`, which exists, as `transformers` reads them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    first = len(vocabulary)
    names = ["[PAD]", "[UNK]", *vocabulary.tokens[UNK + 1 :], *SPECIAL]
    reserved = {"[PAD]", "[UNK]", *SPECIAL}
    names[UNK + 1 : first] = [f"[word {name[1:-1]}]" if name in reserved else name for name in names[UNK + 1 : first]]
    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", first + 1), ("[CLS]", first))
    named = {f"{name[1:-1].lower()}_token": name for name in ("[PAD]", "[UNK]", *SPECIAL)}
    length = model.config.max_position_embeddings
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, **named).save_pretrained(folder)
    model.save_pretrained(folder)


def _windows(split: Split, width: int) -> list[np.ndarray]:
    """Every document cut into windows of at most `width` words."""
    return [
        document[first : first + width]
        for document in map(split.document, range(len(split)))
        for first in range(0, len(document), width)
    ]
