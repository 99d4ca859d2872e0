"""Every parser of the library, each with a valid input in miniature and the damage that it is to withstand."""

from hostile.parsers import checkpoints, corpora, downloads, parameters, reports, stored, words

FAMILIES = (corpora, parameters, downloads, words, stored, checkpoints, reports)
PARSERS = [parser for family in FAMILIES for parser in family.parsers()]
