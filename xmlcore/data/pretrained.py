"""Pretrained checkpoints in the files of `transformers`: tokenizers, the vectors of their pieces, weights of bodies.

A checkpoint is named as in `checkpoints` of params.yaml (then it is in data/checkpoints), or it is any folder, or a
name in the cache of `transformers`; only what says so is downloaded. That library takes seconds to import, so that no
module does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import Tensor

from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import BERTShape, XLNetShape
from xmlcore.config.schema import Section
from xmlcore.data.tokens import PAD, PIECES, UNK, Vocabulary, check_pieces

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

MAX_LAYERS = 1000


class Family(NamedTuple):
    """A kind of body of `transformers`, and how its config is read and written."""

    model_type: str  # as config.json names it
    name: str
    example: str
    shape: type[XLNetShape] | type[BERTShape]
    fields: dict[str, str]  # what the config calls the fields of `shape`
    supported: dict[str, Any]  # what a config that says otherwise is refused for
    options: dict[str, Any]  # without which a body is loaded with parts that are not read

    def config(self, shape: Section, **options: float | None) -> "PreTrainedConfig":
        """Return the config of a body of `shape`; what neither it nor `options` give is as published."""
        from transformers import AutoConfig

        return AutoConfig.for_model(
            self.model_type, **{field: getattr(shape, name) for name, field in self.fields.items()}, **options
        )


XLNET = Family(
    model_type="xlnet",
    name="a bidirectional XLNet",
    example="xlnet-base-cased",
    shape=XLNetShape,
    fields={
        "width": "d_model",
        "layers": "n_layer",
        "heads": "n_head",
        "inner": "d_inner",
        "activation": "ff_activation",
        "norm_epsilon": "layer_norm_eps",
    },
    supported={"attn_type": "bi", "clamp_len": -1},
    options={},
)
BERT = Family(
    model_type="bert",
    name="a bidirectional BERT",
    example="bert-base-uncased",
    shape=BERTShape,
    fields={
        "width": "hidden_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "inner": "intermediate_size",
        "activation": "hidden_act",
        "norm_epsilon": "layer_norm_eps",
        "positions": "max_position_embeddings",
        "types": "type_vocab_size",
    },
    supported={"is_decoder": False},
    options={"add_pooling_layer": False},
)


def locate(name: str) -> str:
    """Return what `transformers` is asked for: the folder in data/checkpoints, where there is one, or `name` itself."""
    folder = paths.CHECKPOINTS / name
    return str(folder) if folder.is_dir() else name


def load_tokenizer(name: str, key: str, otherwise: str, download: bool = False) -> "PreTrainedTokenizerBase":
    """Return the fast tokenizer of checkpoint `name`; a folder with only `vocab.txt` is read as BERT's.

    Raises UserError, naming the parameter `key` and what else it can be, where there is none or it does not know
    character offsets.
    """
    folder = Path(locate(name))
    only_vocabulary = (folder / "vocab.txt").exists() and not any(folder.glob("*.json"))
    options = {"tokenizer_type": "bert"} if only_vocabulary else {}
    with _complaints(name, key, "tokenizer", otherwise, download):
        if (folder / PIECES).exists():
            check_pieces(folder / PIECES)
        tokenizer = _load("AutoTokenizer", name, download, **options)
        if tokenizer.is_fast:
            tokenizer.tokenize("a\ufffd")  # pieces that it lacks show only when they are wanted
    if not tokenizer.is_fast:
        raise UserError(f"{key}: {name!r} does not report where its pieces are; give one with a tokenizer.json")
    return tokenizer


def piece_vectors(name: str, vocabulary: Vocabulary) -> tuple[np.ndarray, float]:
    """Return the checkpoint's word embeddings (V, D), and the share of the vocabulary's pieces that it knows.

    Pieces that it does not know, and `UNK`, have the row of its unknown piece.
    """
    key = "embedding.checkpoint"
    tokenizer = load_tokenizer(name, key, "another embedding.kind")
    with _complaints(name, key, "model", "another embedding.kind"):
        table = _load("AutoModel", name).get_input_embeddings().weight.detach().float().numpy()
        if tokenizer.unk_token_id is None:
            raise UserError(f"{key}: the tokenizer of {name!r} has no unknown piece; give a checkpoint with one")
        ids = np.array(tokenizer.convert_tokens_to_ids(vocabulary.tokens))
        ids[UNK] = tokenizer.unk_token_id
        vectors = table[ids]
        vectors[PAD] = 0
        return vectors, float((ids[UNK + 1 :] != tokenizer.unk_token_id).mean())


class Body(NamedTuple):
    shape: XLNetShape | BERTShape
    state: dict[str, Tensor]  # that of its class of `transformers`
    special: Tensor  # (2, D), the embeddings of the pieces that separate documents and stand for their class


def load_body(name: str, family: Family) -> Body:
    """Return the body of checkpoint `name`. Raises UserError where there is none, or it is not of `family`."""
    key = "network.checkpoint"
    tokenizer = load_tokenizer(name, key, family.name)
    with _complaints(name, key, "model", family.name):
        config = _config(name)
        wanted = {"model_type": family.model_type, **family.supported}
        if any(getattr(config, field) != value for field, value in wanted.items()):
            raise UserError(f"{key}: {name!r} is not {family.name}; give one such as {family.example}")
        model, loading = _load("AutoModel", name, output_loading_info=True, **family.options)
        if loading["missing_keys"]:
            raise UserError(f"{key}: {name!r} lacks weights that its config.json promises; fetch both again")
        shape = family.shape(**{name: getattr(config, field) for name, field in family.fields.items()})
        table = model.get_input_embeddings().weight.detach()
        state = {name: tensor.float() for name, tensor in model.state_dict().items()}
        return Body(shape, state, table[[tokenizer.sep_token_id, tokenizer.cls_token_id]].float())


def load_masked_lm(name: str, key: str, device: "torch.device") -> "tuple[PreTrainedTokenizerBase, PreTrainedModel]":
    """Return tokenizer and masked language model of checkpoint `name`, for evaluation, on `device`.

    Raises UserError, naming the parameter `key`, where there is none, or the two do not fit.
    """
    part, otherwise = "masked language model", "`corpus`, which is trained here"
    tokenizer = load_tokenizer(name, key, otherwise)
    with _complaints(name, key, part, otherwise):
        model, loading = _load("AutoModelForMaskedLM", name, output_loading_info=True)
    if loading["missing_keys"] or tokenizer.mask_token_id is None:
        raise UserError(
            f"{key}: {name!r} was not trained to fill masks; give one such as bert-base-uncased, or {otherwise}"
        )
    if max(tokenizer.get_vocab().values()) >= model.config.vocab_size:
        raise UserError(f"{key}: the tokenizer of {name!r} has more pieces than its model; give both of one checkpoint")
    return tokenizer, model.float().eval().to(device)


def save_checkpoint(name: str, folder: Path) -> None:
    """Write model and tokenizer of checkpoint `name` into `folder`, which exists; they are downloaded where needed."""
    key, otherwise = "checkpoint.hub", "`tiny` in its place"
    tokenizer = load_tokenizer(name, key, otherwise, download=True)
    with _complaints(name, key, "model", otherwise, download=True):
        _load("AutoModel", name, download=True).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _load(part: str, name: str, download: bool = False, **options: str | bool) -> Any:
    """Return what class `part` of `transformers` loads from checkpoint `name`, once a model's `_config` is checked."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if part != "AutoTokenizer":
        _config(name, download)
    return getattr(transformers, part).from_pretrained(locate(name), local_files_only=not download, **options)


def _config(name: str, download: bool = False) -> "PreTrainedConfig":
    """Return a config. Raises `ValueError` for more than `MAX_LAYERS`, made before their weights are sought."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(locate(name), local_files_only=not download)
    if getattr(config, "num_hidden_layers", 0) > MAX_LAYERS:
        raise ValueError(f"config.json names {config.num_hidden_layers} layers")
    return config


@contextmanager
def _complaints(name: str, key: str, part: str, otherwise: str, download: bool = False) -> Iterator[None]:
    """Tell what `transformers` says where it cannot load a `part`, in one line that names `key` and the mend."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # of a damaged file the libraries raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        place = "a name the machine can download" if download else "a name that is listed in `checkpoints`"
        raise UserError(
            f"{key}: no {part} can be loaded from {name!r}; give {otherwise}, a folder with the {part}'s files, or "
            f"{place} ({reason})"
        ) from error
