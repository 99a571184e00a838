# `make` lists the targets. Everything is installed in .venv, from constraints.txt's versions.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Files whose change calls for a new installation.
SOURCES := $(wildcard pyproject.toml core/pyproject.toml plugins/*/pyproject.toml sandbox/pyproject.toml) constraints.txt
# What the type checker reads, of what exists.
ROOMS := $(wildcard app.py conftest.py src core plugins sandbox tests chaos benchmarks)
# What builds the rooms: installed once, where pip would fetch it anew for each of them.
BACKEND := hatchling editables
UV := $(shell command -v uv 2>/dev/null)

# Compiled modules are kept, whatever the environment says: demo and tests start Python often.
export PYTHONDONTWRITEBYTECODE :=

ifdef UV
NEW_VENV = $(UV) venv --quiet --clear --seed --python "$(PYTHON)" $(VENV)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --no-build-isolation
else
NEW_VENV = $(PYTHON) -m venv --clear $(VENV)
INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --no-build-isolation --no-compile
endif

# An environment for one command, gone afterwards; what follows is given to its Python.
SCRATCH = scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT \
	&& "$(PYTHON)" -m venv "$$scratch" && "$$scratch/bin/python"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo chaos test pictures lint format types imports check run bench audit sbom constraints clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.installed-dev  ## Install everything to work on Casebridge in .venv

demo: $(VENV)/.installed-demo  ## Watch a case go to its tickets and back (DEMO=once: then stop; DEMO=live: go on with more)
	@$(BIN)/casebridge demo $(if $(filter once live,$(DEMO)),--$(DEMO))

# Four at a time keep two cores busy while tests wait; the long files come first, as they are collected.
test: install  ## Run the tests of every room
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

pictures: install  ## Take the pictures of the README anew, with the Chromium of the system
	@PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_pictures.py

chaos: install  ## Break everything at once for minutes, and see that every case is whole (SEED=1 MINUTES=2 SIZE=40)
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SIZE),--size $(SIZE))

lint: install  ## Check style and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: install  ## Mend what style checks can mend, and format
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

types: install  ## Check types: mypy everywhere, pyright on the contract
	@$(BIN)/mypy $(ROOMS)
	@$(BIN)/pyright --pythonpath $(BIN)/python

imports: install  ## Check who imports whom
	@$(BIN)/lint-imports

check: lint types imports test  ## Run every check; a change must pass it

run: install  ## Serve at http://127.0.0.1:8000, and again after every change
	@$(BIN)/litestar run --reload

bench: install  ## Measure everything in a few minutes, with ratios, into build/bench
	@$(BIN)/python -m benchmarks.everything

audit: | $(BIN)/python  ## Look the pinned versions up among known vulnerabilities (needs the network)
	@$(SCRATCH) -m pip install -qq --disable-pip-version-check pip-audit \
	&& "$$scratch/bin/pip-audit" --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

sbom: install  ## Write what the service consists of, in CycloneDX, to dist/casebridge.cdx.json
	@$(SCRATCH) -m pip install -qq --disable-pip-version-check cyclonedx-bom \
	&& mkdir -p dist && "$$scratch/bin/cyclonedx-py" environment --pyproject pyproject.toml \
	     --output-reproducible --output-file dist/casebridge.cdx.json $(BIN)/python \
	&& echo "dist/casebridge.cdx.json"

constraints: $(BIN)/python  ## Pin the newest versions that the ranges allow
	@echo "Installing the newest versions in a scratch environment..." \
	&& $(SCRATCH) -m pip install -qq --disable-pip-version-check -r requirements-dev.txt \
	&& { echo "# Every version that is installed. Made anew by \`make constraints\`, with the oldest Python supported."; \
	     "$$scratch/bin/python" -m pip freeze --exclude-editable; } > "$$scratch/constraints.txt" \
	&& cp "$$scratch/constraints.txt" constraints.txt

clean:  ## Remove .venv and everything that tools made
	@rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	|| { echo "Casebridge needs Python 3.11 or newer: name one, as in 'make PYTHON=python3.12 install'." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "This Python has no venv module: install it (on Debian: the package python3-venv)." >&2; exit 1; }
	@$(NEW_VENV)

$(VENV)/.installed-demo: $(SOURCES) requirements.txt | $(BIN)/python
	@echo "Installing the service in $(VENV)..."
	@$(INSTALL) $(BACKEND)
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: $(SOURCES) requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing the service and its tools in $(VENV)..."
	@$(INSTALL) $(BACKEND)
	@$(INSTALL) -r requirements-dev.txt
	@touch $(VENV)/.installed-demo $@
