"""A small BERT (Devlin et al. 2018) that a corpus trains for its own language, stemmed words or tags as they may be.

It is written as a checkpoint in the files of `transformers`, and read like any other. Its ids of words are those of the
corpus's vocabulary; what stands for the unknown word is `UNK`, and the special tokens come after the words.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from xmlcore.common.bfloat16 import has_bfloat16
from xmlcore.common.checkpoints import Checkpoint, restore_optimizer
from xmlcore.common.device import CPU, to_device
from xmlcore.common.errors import UserError
from xmlcore.config.params import MaskedLM
from xmlcore.data.batches import ShuffledBatches, batches, pad
from xmlcore.data.dataset import Split
from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import LONE_DOT, PAD, UNK, WORD, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import BertForMaskedLM, PreTrainedModel

SPECIAL = ("[CLS]", "[SEP]", "[MASK]")
CHOSEN, MASKED, RANDOM = 0.15, 0.8, 0.1  # of the words; of the chosen ones; the rest of these stay what they are
IGNORED = -100
ACCURACY_WINDOWS = 1000


def train_masked_lm(
    split: Split,
    vocabulary: Vocabulary,
    options: MaskedLM,
    seed: int,
    track: Callable[..., Iterable],
    checkpoint: Checkpoint | None = None,
    device: torch.device = CPU,
) -> tuple["BertForMaskedLM", float]:
    """Return a masked language model of `split`, on `device`, and its mean loss (nats a word) in the last epoch.

    The same arguments on one CPU give the same weights; with a `checkpoint` a training that was killed goes on from
    there, to the same weights. Raises `UserError` where `split` has no word of the vocabulary.
    """
    from transformers import BertConfig, BertForMaskedLM

    windows = cut_windows(split, options.window)
    if not windows:
        raise UserError(
            "encode.min_count: no training document has a word of the vocabulary, so that there is no masked language "
            "model to train; lower it, add documents, or take masked_lm out of words.generators"
        )
    rng = np.random.default_rng(seed)
    if len(windows) > options.max_windows:
        windows = [windows[i] for i in rng.permutation(len(windows))[: options.max_windows]]
    torch.manual_seed(seed)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(vocabulary) + len(SPECIAL),
            hidden_size=options.width,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            intermediate_size=4 * options.width,
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.0,  # with dropout torch has no fast attention on a processor
            max_position_embeddings=options.window + 2,
            type_vocab_size=1,
            pad_token_id=PAD,
        )
    ).train()
    model.to(device)
    lengths = np.array([len(window) for window in windows])
    order = ShuffledBatches(lengths, options.batch_size, rng)
    steps = order.steps
    optimizer = torch.optim.AdamW(model.parameters(), options.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps * options.epochs)
    total = 0.0

    def state() -> dict[str, Any]:
        return {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "steps": schedule.last_epoch,
            "order": order.state(),
            "random": torch.get_rng_state(),
            "loss": total,
        }

    stored = checkpoint.load() if checkpoint else None
    if stored:
        model.load_state_dict(stored["model"])
        restore_optimizer(optimizer, stored["optimizer"])
        schedule.last_epoch = stored["steps"]
        order.restore(stored["order"])
        torch.set_rng_state(stored["random"])
        total = stored["loss"]
    for epoch in range(schedule.last_epoch // steps + 1, options.epochs + 1):
        left = steps - order.done % steps
        for chosen in track(order, f"masked language model, epoch {epoch}/{options.epochs}", total=left):
            total = total if order.done > 1 else 0.0
            tokens, answers = mask_words([windows[i] for i in chosen], len(vocabulary), rng)
            tokens, answers = to_device(tokens, device), to_device(answers, device)
            places = answers != IGNORED
            model.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
                logits = masked_logits(model, tokens, places)
            loss = functional.cross_entropy(logits.float(), answers[places])
            loss.backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if checkpoint:
                checkpoint.after_step(state)
        if checkpoint:
            checkpoint.after_epoch(state)
    return model.eval(), total / steps


def cut_windows(split: Split, width: int) -> list[np.ndarray]:
    """Return the documents in windows of at most `width` words, without those windows that know no word."""
    windows = (
        document[first : first + width]
        for document in map(split.document, range(len(split)))
        for first in range(0, len(document), width)
    )
    return [window for window in windows if (window > UNK).any()]


def mask_words(windows: list[np.ndarray], words: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return inputs and answers, (B, T + 2) int64 each, of windows of ids; `words` is the size of the vocabulary.

    Of every window `CHOSEN` of the known words, and one at least, have their id as answer; all else has `IGNORED`.
    """
    start, end, mask = range(words, words + len(SPECIAL))
    tokens = pad([np.concatenate([[start], window, [end]]) for window in windows])
    answers = torch.full_like(tokens, IGNORED)
    for row, answer, window in zip(tokens, answers, windows, strict=True):
        draw = np.where(window > UNK, rng.random(len(window)), 1)
        chosen = 1 + np.flatnonzero((draw < CHOSEN) | (draw == draw.min()))
        answer[chosen] = row[chosen]
        kind = rng.random(len(chosen))
        row[chosen[kind < MASKED]] = mask
        other = chosen[(kind >= MASKED) & (kind < MASKED + RANDOM)]
        row[other] = torch.from_numpy(rng.integers(UNK + 1, words, size=len(other)))
    return tokens, answers


def masked_logits(model: "PreTrainedModel", tokens: Tensor, places: Tensor) -> Tensor:
    """Return logits (N, V) at the N true `places` (B, T) of `tokens` (B, T); a BERT's head projects no others."""
    attention = (tokens != model.config.pad_token_id).long()
    head = getattr(model, "cls", None)
    if head is None:
        return model(tokens, attention_mask=attention).logits[places]
    return head(model.base_model(tokens, attention_mask=attention).last_hidden_state[places])


@torch.inference_mode()
def masked_accuracy(model: "BertForMaskedLM", split: Split, words: int, options: MaskedLM, seed: int) -> float:
    """Return the share of hidden words, in at most `ACCURACY_WINDOWS` windows, that are the model's first guess."""
    windows = cut_windows(split, options.window)
    rng = np.random.default_rng(seed)
    if len(windows) > ACCURACY_WINDOWS:
        windows = [windows[i] for i in rng.choice(len(windows), ACCURACY_WINDOWS, replace=False)]
    right = asked = 0
    for chosen in batches(np.array([len(window) for window in windows]), options.batch_size):
        tokens, answers = mask_words([windows[i] for i in chosen], words, rng)
        tokens, answers = to_device(tokens, model.device), to_device(answers, model.device)
        places = answers != IGNORED
        right += int((masked_logits(model, tokens, places).argmax(1) == answers[places]).sum())
        asked += int(places.sum())
    return right / max(asked, 1)


def write_masked_lm(model: "BertForMaskedLM", reader: TextReader, folder: Path) -> None:
    """Write model and tokenizer into `folder`, which exists, as `transformers` reads them."""
    from transformers import PreTrainedTokenizerFast, logging

    logging.disable_progress_bar()
    named = {f"{name[1:-1].lower()}_token": name for name in ("[PAD]", "[UNK]", *SPECIAL)}
    PreTrainedTokenizerFast(
        tokenizer_object=word_tokenizer(reader.vocabulary, reader.tokenizer),
        model_max_length=model.config.max_position_embeddings,
        **named,
    ).save_pretrained(folder)
    model.save_pretrained(folder)


def word_tokenizer(vocabulary: Vocabulary, tokenizer: str) -> "Tokenizer":
    """Return what cuts a text as `xmlcore.data.tokens.tokenize` does, into ids, with [CLS] and [SEP] around.

    A word that is spelled like a special token gets a name that no text has, for it must not be one.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    reserved = ("[PAD]", "[UNK]", *SPECIAL)
    words = [f"[word {word[1:-1]}]" if word in reserved else word for word in vocabulary.tokens[UNK + 1 :]]
    names = [*reserved[: UNK + 1], *words, *SPECIAL]
    built = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    if tokenizer == "whitespace":
        built.normalizer = normalizers.NFC()
        built.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        folded = [normalizers.Lowercase(), normalizers.Replace(LONE_DOT, "i"), normalizers.NFC()]
        built.normalizer = normalizers.Sequence(folded)
        built.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    start, end = len(vocabulary), len(vocabulary) + 1
    built.post_processor = processors.BertProcessing(("[SEP]", end), ("[CLS]", start))
    return built
