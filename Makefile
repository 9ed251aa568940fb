# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help env demo test check lint types layers pytest fuzz bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "ahmsa needs Python 3.10, 3.11 or 3.12 on the PATH (or make PYTHON=/path/to/python3.11 ...)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

env: $(READY) ## the virtual environment, from the pinned constraints

demo: $(READY) ## the recogniser on the built-in clip: no camera needed
	$(BIN)/ahmsa-live --demo

test: check pytest ## lint, types, layers and all tests

check: lint types layers ## lint, types and import layers

lint: $(READY) ## ruff
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## who may import whom
	$(BIN)/lint-imports

pytest: $(READY) ## the tests alone
	$(BIN)/python -m pytest

fuzz: $(READY) ## damaged inputs for every reader, 10 000 of each kind; an hour or two
	$(BIN)/python -m fuzz --cases 10000

bench: $(READY) ## every figure in docs/benchmarks.md
	$(BIN)/python -m benchmarks

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info build
