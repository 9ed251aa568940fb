# Two commands do everything on a fresh machine: `make demo` and `make test`.
SUITS := import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3.10 python3; do \
	$$p -c '$(SUITS)' 2>/dev/null && { echo $$p; break; }; done)
# An environment for each Python that is named: `make test PYTHON=python3.13` leaves .venv alone.
VENV ?= .venv$(if $(findstring command,$(origin PYTHON)),-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null))
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PARITY := .venv-parity
PARITY_PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.10,$(shell command -v $(p))))

.PHONY: help env demo test check lint types layers wheels package pytest fuzz parity constraints bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml constraints.txt
	@$(or $(PYTHON),false) -c '$(SUITS)' 2>/dev/null \
		|| { echo "ahmsa needs Python 3.10 to 3.14 (say which: make PYTHON=/path/to/python3.12 ...)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/ahmsa-models
	@touch $@

env: $(READY) ## the virtual environment, from the pinned constraints

demo: $(READY) ## the recogniser on the built-in clip: no camera needed
	$(BIN)/ahmsa-live --demo

test: lint types layers wheels pytest ## lint, types, layers and all tests

check: lint types layers wheels package ## lint, types, import layers, wheels for the newest Python, our own wheel

lint: $(READY) ## ruff
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## who may import whom
	$(BIN)/lint-imports

wheels: $(READY) ## whether every requirement has a wheel for Python 3.14 (one package is a source archive everywhere)
	$(BIN)/uv pip compile pyproject.toml --all-extras --python-version 3.14 --python-platform x86_64-manylinux_2_28 --quiet \
		--only-binary :all: --no-binary face-recognition-models --constraint constraints.txt --output-file $(VENV)/wheels.txt

package: $(READY) ## our own wheel: built, installed outside of the repository, every command started
	$(BIN)/python -m pytest -q tests/packaging

pytest: $(READY) ## the tests alone, a file at a time on every core
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

fuzz: $(READY) ## damaged inputs for every reader, 10 000 of each kind; an hour or two
	$(BIN)/python -m fuzz --cases 10000

$(PARITY)/.ready:
	@test -n "$(PARITY_PYTHON)" || { echo "mediapipe 0.10.21 needs Python 3.10, 3.11 or 3.12 (make parity PARITY_PYTHON=...)"; exit 1; }
	test -x $(PARITY)/bin/python || $(PARITY_PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet mediapipe==0.10.21
	@touch $@

parity: $(READY) $(PARITY)/.ready ## our landmarks against MediaPipe's own, in an environment of its own
	$(BIN)/python -m benchmarks parity

constraints: $(READY) ## renew every pin
	printf '%s\n' torch==2.13.0 backports-strenum==1.2.8 pyarrow==22.0.0 > $(VENV)/held.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.10 --fork-strategy requires-python \
		--no-annotate --no-header --quiet --constraint $(VENV)/held.txt --output-file $(VENV)/pins.txt
	{ grep '^#' constraints.txt; grep -vE '^(nvidia-|cuda-|triton|colorama)|pypy|3\.10\.2' $(VENV)/pins.txt \
		| sed "s/ ; /; /; s/python_full_version/python_version/; s/; platform_python_implementation != 'PyPy'//"; } > $(VENV)/constraints
	mv $(VENV)/constraints constraints.txt

bench: $(READY) $(PARITY)/.ready ## every figure in docs/benchmarks.md
	$(BIN)/python -m benchmarks

clean: ## remove the environment and caches
	rm -rf $(VENV) $(PARITY) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info build
