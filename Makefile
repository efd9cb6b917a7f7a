# What a developer runs; `make help` lists it. Needs Python >= 3.11 with pip, make and git.

PYTHON ?= python3
# Each of these that starts on this machine also runs the tests, in a venv of its own.
VERSIONS := 3.11 3.12 3.13
# Installed by apt where that is possible: what the tests use and pip can't bring.
DEBIAN_PACKAGES := git chromium fonts-dejavu-core bindfs $(shell grep -v '^\#' tests/slurm/debian-packages.txt)
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Tests that share a cluster or a browser say so by a group, which stays on one worker.
PYTEST := -m pytest --numprocesses=$(WORKERS) --dist=loadgroup
# Real processes, clusters and signals share two cores: what fails there is tried once more, alone, and loudly.
again = { echo "!!! tests failed; each that did is tried once more, alone"; \
	$(1)/python -m pytest --numprocesses=0 --last-failed --last-failed-no-failures=none; }
QUICK := -m "not slow" --hypothesis-profile=quick
RECIPE := pyproject.toml constraints.txt tools/make-venv.sh
# The second is what newer pips read for the environment that builds the project.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-fast test-others lint format bench docs constraints clean debian-packages

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## compute the example, then load it
	$(BIN)/python -m examples.digits
	$(BIN)/python -m examples.digits

test: debian-packages lint ## everything that must hold before a change lands
	export FURU_TEST_SLURM_SETUP=1; $(BIN)/python $(PYTEST) --hypothesis-profile=standard || $(call again,$(BIN))
	$(MAKE) test-others

test-fast: $(VENV)/.dev ## the quick tests, in less than a minute
	$(BIN)/python $(PYTEST) $(QUICK)

test-others: ## the quick tests on the other Pythons of this machine, against the built wheel
	$(MAKE) $(addprefix test-on-,$(or $(shell tools/find-pythons.sh --except $(PYTHON) $(VERSIONS)),none))

test-on-none:
	@echo "!!! none of the further Pythons ($(VERSIONS)) starts here: tested on $(PYTHON) only"

test-on-%: .venv-%/.wheel
	.venv-$*/bin/python $(PYTEST) $(QUICK) || $(call again,.venv-$*/bin)

lint: $(VENV)/.dev ## style, types and the house rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_architecture.py

format: $(VENV)/.dev ## put the source in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.bench ## every benchmark, one after the other
	@set -e; for name in core execution index slurm; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

docs: $(VENV)/.dev ## the API reference as HTML, into build/docs
	$(BIN)/python tools/write_api_reference.py build/docs

constraints: ## choose the newest versions anew for constraints.txt
	env --unset=PIP_CONSTRAINT --unset=PIP_BUILD_CONSTRAINT $(PYTHON) tools/write_constraints.py $(VERSIONS)

clean: ## away with everything that make has made
	rm -rf .venv .venv-* dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

debian-packages:
	tools/apt-install.sh $(DEBIAN_PACKAGES)

# Stamps: a venv is made once, and filled again when the recipe for it changes.

$(BIN)/python:
	tools/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/.demo: $(RECIPE) | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --editable ".[examples,progress]"
	touch $@

$(VENV)/.dev: $(RECIPE) | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --editable ".[dev]"
	touch $@

$(VENV)/.bench: $(RECIPE) | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --editable ".[bench]"
	touch $@

.venv-%/.dev: $(RECIPE)
	tools/make-venv.sh "$$(tools/find-pythons.sh --path $*)" .venv-$*
	.venv-$*/bin/python $(PIP_INSTALL) ".[test]"
	touch $@

.venv-%/.wheel: .venv-%/.dev $(shell find src -type f -not -name '*.pyc')
	.venv-$*/bin/python $(PIP_INSTALL) --no-deps --force-reinstall .
	touch $@

.PRECIOUS: .venv-%/.dev .venv-%/.wheel
