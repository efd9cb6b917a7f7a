# What a developer runs; `make help` lists it. Needs Python >= 3.11 with pip, make and git.

PYTHON ?= python3
# Each of these that starts on this machine also runs the tests, in a venv of its own.
VERSIONS := 3.11 3.12 3.13
# Installed by apt where that is possible: what the tests use and pip can't bring.
DEBIAN_PACKAGES := git chromium fonts-dejavu-core bindfs $(shell grep -v '^\#' tests/slurm/debian-packages.txt)
# One more than the cores of a small machine: many tests wait, and those on the cluster, which share a worker, most of all.
WORKERS ?= 3

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Tests that share a cluster or a browser say so by a group, which stays on one worker.
PYTEST := -m pytest --numprocesses=$(WORKERS) --dist=loadgroup
# Real clusters, browsers and processes share two cores: what fails there is tried once more, alone. That may hide a race
# of furu's own, so `make test` ends with the names of those that passed only then.
SECOND_TRIES := build/second-tries
again = tools/try-again.sh $(1)/python $(SECOND_TRIES)
# The quick tests make thousands of small stores, in memory where it is large enough; `make test` makes them on the disk.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df --output=avail -k /dev/shm | tail -1)" -gt 2000000 ] && echo /dev/shm)
QUICK_PYTEST = $(if $(MEMORY),env PYTEST_DEBUG_TEMPROOT=$(MEMORY)) $(1)/python $(PYTEST) -m "not slow" \
	--hypothesis-profile=quick
# What can differ between Pythons: values and types, pickles, threads, signals, processes. Not what reads the checkout,
# nor what is built on the rest without a trick of Python's own.
ON_EACH_PYTHON := $(addprefix tests/,base behaviour cli contracts core execution identity interfaces lifecycle reliability \
	storage test_zygote.py)
RECIPE := pyproject.toml constraints.txt tools/make-venv.sh
# The second is what newer pips read for the environment that builds the project.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
# Images for containers like to set it, and then each worker of pytest and each process of a test compiles all sources anew.
export PYTHONDONTWRITEBYTECODE :=

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-fast test-others lint format fuzz bench chaos docs constraints clean debian-packages

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## compute the example, then load it
	$(BIN)/python -m examples.digits
	$(BIN)/python -m examples.digits

test: debian-packages lint ## everything that must hold before a change lands
	rm -f $(SECOND_TRIES)
	export FURU_TEST_SLURM_SETUP=1; $(BIN)/python $(PYTEST) --hypothesis-profile=standard || $(call again,$(BIN))
	$(MAKE) test-others
	@[ ! -s $(SECOND_TRIES) ] || { echo; echo "!!!!! THESE TESTS PASSED ONLY WHEN TRIED A SECOND TIME:"; cat $(SECOND_TRIES); }

test-fast: $(VENV)/.dev ## the quick tests, in less than a minute
	$(call QUICK_PYTEST,$(BIN))

test-others: ## what can differ, on the other Pythons of this machine, against the built wheel
	$(MAKE) $(addprefix test-on-,$(or $(shell tools/find-pythons.sh --except $(PYTHON) $(VERSIONS)),none))

test-on-none:
	@echo "!!! none of the further Pythons ($(VERSIONS)) starts here: tested on $(PYTHON) only"

test-on-%: .venv-%/.wheel
	$(call QUICK_PYTEST,.venv-$*/bin) $(ON_EACH_PYTHON) || $(call again,.venv-$*/bin)

lint: $(VENV)/.dev ## style, types and the house rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_architecture.py

format: $(VENV)/.dev ## put the source in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: $(VENV)/.dev ## damage every kind of file below a root, and cut the power, for some minutes
	$(BIN)/python $(PYTEST) --hypothesis-profile=thorough tests/fuzz tests/power_loss

bench: $(VENV)/.bench ## every benchmark: one table, docs/benchmarks.md; BENCH=--quick for a look
	$(BIN)/python -m benchmarks $(BENCH)

docs: $(VENV)/.dev ## the API reference as HTML, into build/docs
	$(BIN)/python tools/write_api_reference.py build/docs

MINUTES ?= 10
CHAOS := $(BIN)/python -m tests.chaos --workers 12
chaos: debian-packages $(VENV)/.dev ## every interleaving of few, then MINUTES=10 of kills and stops of many
	$(BIN)/python -m tests.reliability.tours
	$(CHAOS) --minutes $(MINUTES)
	$(CHAOS) --minutes $$(echo $(MINUTES) | awk '{print $$1 / 3}') --fuse

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
