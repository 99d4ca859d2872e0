"""A model folder that stands alone: whoever has it and this library can use it, without the corpus or the pipeline.

`config.json` and `weights.safetensors` (`xmlcore.models.registry`, `xmlcore.models.linear`), `text.json`,
`vocabulary.txt` or `tokenizer.json` and `labels.tsv` (`xmlcore.data.text_reader`), `calibration.json`
(`xmlcore.ranking.calibration`), `defence.json`, which squeezing it wears, and `README.md`, the model card.
"""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from xmlcore.common.artifacts import written_by
from xmlcore.common.device import CPU
from xmlcore.common.errors import UserError
from xmlcore.common.files import write_json
from xmlcore.config.params import Squeeze
from xmlcore.config.schema import PositiveInt, Section
from xmlcore.data.text_reader import TextReader, load_text_reader, write_text_reader
from xmlcore.defenses.squeezing import squeeze
from xmlcore.models.base import TokenClassifier
from xmlcore.models.registry import load_token_classifier
from xmlcore.ranking.calibration import Calibration

WEIGHTS = ("config.json", "weights.safetensors")
CARD = "README.md"


class Defence(Section):
    """What a model wears when it is used (`xmlcore.defenses.squeezing`)."""

    squeeze: Squeeze = "none"
    bits: PositiveInt = 8


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, ready for use."""

    bare: TokenClassifier
    defence: Defence
    reader: TextReader
    calibration: Calibration
    card: str

    @cached_property
    def classifier(self) -> TokenClassifier:
        """The model behind its defence."""
        return squeeze(self.bare, self.defence.squeeze, self.defence.bits)


def write_model_folder(
    folder: Path, weights: Path, reader: TextReader, calibration: Calibration, defence: Defence, card: str
) -> None:
    """Write what `load_model_folder` reads into `folder`, which exists; `weights` holds `WEIGHTS`."""
    for name in WEIGHTS:
        shutil.copyfile(weights / name, folder / name)
    write_text_reader(folder, reader)
    write_json(folder / "calibration.json", calibration.model_dump())
    write_json(folder / "defence.json", defence.model_dump())
    (folder / CARD).write_text(card, encoding="utf-8")


def load_model_folder(folder: Path, device: torch.device = CPU) -> StoredModel:
    """Return the model of `folder`, on `device`.

    Raises `UserError` where there is none, or one that does not stand alone.
    """
    if not (folder / WEIGHTS[0]).is_file():
        raise UserError(f"{folder}: no model there; give a folder such as models/CORPUS/MODEL/REGIME/LOSS")
    parts = [path.name for path in folder.iterdir()]
    missing = {"text.json", "labels.tsv", "calibration.json", "defence.json"}.difference(parts)
    if missing:
        raise UserError(
            f"{folder}: lacks {', '.join(sorted(missing))}: a folder of an older version, or not whole; "
            "run `dvc repro` again, or copy the whole folder"
        )
    reader, classifier = load_text_reader(folder, "evaluate"), load_token_classifier(folder, device)
    with written_by("evaluate", folder):
        calibration = Calibration.model_validate_json((folder / "calibration.json").read_bytes())
        defence = Defence.model_validate_json((folder / "defence.json").read_bytes())
        sizes = len(reader.vocabulary), len(reader.label_names), len(calibration.thresholds.macro_f1)
        if sizes != (classifier.vocabulary_size, classifier.labels, classifier.labels):
            raise ValueError("vocabulary.txt, labels.tsv, calibration.json and config.json are of different models")
        card = (folder / CARD).read_text(encoding="utf-8") if CARD in parts else ""
        return StoredModel(classifier, defence, reader, calibration, card)
