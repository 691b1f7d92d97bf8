# What a person types: make run, make test. Everything else serves these two.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PYTHONUTF8 := 1

.PHONY: help install install-dev run test check format bench performance client lighthouse screenshots lock reference clean system-packages

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "No venv module: install it with 'apt install python3-venv'."; exit 1; }
	@echo "Installing the station (pinned versions, checked by hash) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

# Apart: the generator wants an older typer than the station's command line.
$(VENV)/client.stamp: requirements/client.txt
	@$(PYTHON) -m venv $(VENV)/client
	@$(VENV)/client/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/client.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp $(VENV)/client.stamp requirements/dev.txt
	@echo "Installing the tools for checks and tests ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/run.stamp  ## Make .venv with what the station needs

install-dev: $(VENV)/dev.stamp

run: install  ## Start the station with a demo commune and air a bulletin (PORT=8000)
	@exec $(BIN)/broadcaster demo --port $(PORT)

check: install-dev  ## Style, types, layers, and that generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/broadcaster reference --check
	$(BIN)/python -m devices.wire.asyncapi docs/reference --check

format: install-dev  ## Put the code into the project's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

system-packages:
	@tests/install-system-packages

test: check system-packages  ## All checks and all tests
	@tests/run $(BIN)/python

bench: install-dev system-packages  ## All benchmarks, or one: make bench NAME=receipts
	@$(BIN)/python -m tests.benchmarks $(NAME)

performance: install-dev system-packages  ## All benchmarks, into the table of docs/performance.md
	@$(BIN)/python -m tests.benchmarks > .bench.jsonl; $(BIN)/python -m tests.benchmarks.table .bench.jsonl; rm .bench.jsonl

lighthouse: install-dev system-packages  ## Page speed by Lighthouse, into docs/performance.md (needs Node.js; RUNS=3)
	@tests/install-system-packages chromium
	@$(BIN)/python -m tests.showcase.lighthouse $(RUNS)

screenshots: install-dev system-packages  ## Every page in both languages, into docs/images; NAME=compose for one (needs chromium-l10n)
	@tests/install-system-packages chromium
	@$(BIN)/python -m tests.showcase.screenshots $(NAME)

reference: install  ## Write anew what docs/reference holds of generated files
	$(BIN)/broadcaster reference
	$(BIN)/python -m devices.wire.asyncapi docs/reference

client: install-dev  ## A wheel of the Python client, generated from docs/reference/openapi.json, into dist/
	rm -rf build/client
	@mkdir -p build
	$(VENV)/client/bin/openapi-python-client generate --path docs/reference/openapi.json --config clients/python.yml --meta setup --output-path build/client --fail-on-warning
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist build/client
	@ls dist/broadcaster_client-*.whl

lock: install-dev  ## Pin every dependency anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra server --extra receiver pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra receiver --extra soundcard pyproject.toml requirements/build.in -c requirements/run.txt -o requirements/receiver.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --group dev -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" requirements/client.in -o requirements/client.txt

clean:  ## Remove what make made; the station's data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
