"""The converters by format, each from the official files of a corpus into the format of `xmlcore.corpora.records`."""

from collections.abc import Callable
from pathlib import Path

from xmlcore.config.params import Convert
from xmlcore.corpora.formats.annif import convert_annif
from xmlcore.corpora.formats.bag_of_words import convert_eurlex
from xmlcore.corpora.formats.labelled_text import convert_labelled_text
from xmlcore.corpora.formats.lyrl2004 import merge_rcv1
from xmlcore.corpora.formats.named_fields import convert_named_fields
from xmlcore.corpora.formats.reuters21578 import convert_reuters21578

CONVERTERS: dict[str, Callable[[Path, Path, Convert], None]] = {
    "annif": convert_annif,
    "bag_of_words": convert_eurlex,
    "labelled_text": convert_labelled_text,
    "lyrl2004": merge_rcv1,
    "named_fields": convert_named_fields,
    "reuters21578": convert_reuters21578,
}
