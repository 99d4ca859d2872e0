# Two commands do everything on a fresh machine with Python 3.11 or newer: `make repro` and `make test`.
PYTHON ?= python3
CORPUS ?= simulated-rcv1
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro test lint bench install clean

repro: install  ## run the whole pipeline on the corpora that params.yaml lists
	dvc repro
	dvc metrics show metrics/*/*/*/*/fgsm/*.json

test: install  ## run the tests
	python -m pytest

bench: install  ## compare with plain XML-CNN; CORPUS=reuters21578 or any other that can be fetched
	for stage in fetch convert; do python stages/$$stage.py $(CORPUS) || exit 1; done
	for stage in encode build_embedding; do python stages/$$stage.py $(CORPUS) xml_cnn || exit 1; done
	python benchmarks/bench.py $(CORPUS)

lint: install  ## check style and formatting
	ruff check .
	ruff format --check .

install: $(INSTALLED)  ## make .venv from the lock file

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --requirement requirements.lock
	python -m pip install --quiet --no-deps --editable .
	touch $@

clean:  ## remove the virtual environment; data and models stay in DVC's cache
	rm -rf .venv
