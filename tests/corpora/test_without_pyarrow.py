"""Where pyarrow is not installed, one line says what to do."""

import sys
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.user_texts import Columns, read_texts


def test_the_mend_names_pyarrow_and_other_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "xmlcore.corpora.arrow_tables", raising=False)
    with pytest.raises(UserError, match=r"needs pyarrow: `pip install pyarrow`, or give \.jsonl or \.csv"):
        next(read_texts(tmp_path / "x.parquet", Columns()))
