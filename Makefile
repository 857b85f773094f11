# Everything runs in .venv, which the first target that needs it builds from a bare Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test coverage check dev lock openapi clean help

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Destiny needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

run: $(READY) ## set up from nothing, then the main job on the bundled sample project
	$(BIN)/destiny demo

# Tests wait for servers and processes for a third of their time, so two cores carry four at once.
SUITE = $(BIN)/python -m pytest --numprocesses 4 --dist worksteal

test: $(READY) ## set up from nothing, then the whole test suite
	$(SUITE)

coverage: $(READY) ## the whole test suite, and what of the code it runs (at least 80 %); takes nearly twice as long
	$(SUITE) --cov --cov-report=term --cov-fail-under=80

check: $(READY) ## formatting, lint, types, import contracts, rules on modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

dev: $(READY) ## local servers, Dagster UI and daemon in one terminal
	$(BIN)/destiny dev

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url --extra all --group dev pyproject.toml -o requirements.lock

openapi: $(READY) ## write docs/openapi.json anew, unless the API broke a promise
	$(BIN)/python -m tests.serving.api.compatibility

clean: ## remove what was built here (not your knowledge: that is in DESTINY_HOME)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage* dbt/target dbt/logs
