# Two commands do everything on a fresh machine with Python 3.11 or newer: `make repro` and `make test`.
PYTHON ?= python3
CORPUS ?= simulated-rcv1
MODEL ?= xml_cnn
MINUTES ?= 30
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE :=   # libraries are compiled where they are first imported, and then once

# The stages that it starts share their imports; without it they do the same in more time.
WARM := python benchmarks/warm_python.py

# The same pipeline with everything in it, on the corpus with many labels: four models, a rebalanced loss, stronger
# attacks, attacks on words, explanations measured.
STUDY := -S 'corpora=[simulated-eurlex]' -S 'models=[xml_cnn,attention_xml,mach,aplc_xlnet_tiny]' -S 'losses=[bce,pw_cb]' \
	-S 'checkpoints=[tiny-xlnet]' -S 'robustness.models=[xml_cnn,mach]' \
	-S 'words.corpora=[simulated-eurlex]' -S 'words.models=[xml_cnn]' -S 'explain.study.models=[xml_cnn]'

.PHONY: repro study test test-all lint docs bench tune install clean

repro: install  ## run the pipeline on two small simulated corpora: trained, attacked, explained, reported
	$(WARM) dvc repro
	dvc metrics show

study: install  ## run everything that there is on one of them; `git checkout params.yaml` goes back to the default
	$(WARM) dvc exp run $(STUDY)

test: install  ## run the tests
	python -m pytest -n 2

test-all: install  ## run them with many more examples of each property; damage every kind of file; kill every stage
	python -m pytest -n 2 -m "" --hypothesis-profile thorough
	python benchmarks/fuzz.py --seconds 60
	python benchmarks/kills.py --kills 1

lint: install  ## check style, formatting and types
	ruff check .
	ruff format --check .
	mypy stages xmlcore

docs: install  ## write the tables of docs/results from its CSV files
	python benchmarks/result_tables.py

bench: install  ## compare with plain XML-CNN; CORPUS=reuters21578 or any other that can be fetched
	for stage in fetch convert; do python stages/$$stage.py $(CORPUS) || exit 1; done
	for stage in configure encode build_embedding; do python stages/$$stage.py $(CORPUS) xml_cnn || exit 1; done
	python benchmarks/bench.py $(CORPUS)
	for model in bag_of_words_ridge bag_of_words mach; do for stage in configure encode; do python stages/$$stage.py $(CORPUS) $$model || exit 1; done; done
	python benchmarks/time_to_precision.py $(CORPUS)

tune: install  ## try values of a recipe on validation documents: CORPUS=tibkat MODEL=mach MINUTES=60; better ones go to params.yaml
	python -m pip install --quiet --no-compile "optuna>=5"
	for stage in fetch convert; do python stages/$$stage.py $(CORPUS) || exit 1; done
	for stage in configure encode build_embedding; do python stages/$$stage.py $(CORPUS) $(MODEL) || exit 1; done
	python stages/tune.py $(CORPUS) $(MODEL) --minutes $(MINUTES)

install: $(INSTALLED)  ## make .venv from the lock file

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --no-compile --requirement requirements.lock
	python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

clean:  ## remove the virtual environment; data and models stay in DVC's cache
	rm -rf .venv
