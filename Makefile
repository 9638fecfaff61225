# Every target installs what it needs; only Python 3.11 and make must be there.
# Variables: PYTHON (interpreter), MARK (pytest -m), JOBS (pytest processes), PYTEST_ARGS, DEMO_ARGS.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
IS_311 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python,$(shell $(name) $(IS_311) && echo $(name))))
# Do not compile all modules: few of 3.5 GB are ever imported, and these are compiled then. Compiling all
# takes 2 of 5.5 minutes.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# Install the locked packages of some extras, comparing each file with its hash, then the project itself,
# which has no hash, built with the installed packages. Dependencies are not resolved: pip takes
# gql[requests] for another package than the locked gql, and finds no hash for it. pip check reports
# missing packages.
INSTALL = $(BIN)/python .ci/locked.py $(1) > $(VENV)/locked.txt \
  && $(PIP_INSTALL) --no-deps --require-hashes -r $(VENV)/locked.txt \
  && $(PIP_INSTALL) --no-deps --no-build-isolation -e . \
  && $(BIN)/python -m pip check --disable-pip-version-check
# librosa compiles its kernels on first use (28 s, once): do so while installing.
COMPILE := $(BIN)/python -c 'import librosa, numpy; librosa.feature.melspectrogram(y=numpy.zeros(4096))'

MARK ?= not slow and not browser and not cluster
JOBS ?= 2
PYTEST_ARGS ?=
DEMO_ARGS ?=

# HOME may be missing or read-only.
export BLACK_CACHE_DIR := $(CURDIR)/.cache/black
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help demo test test-all lint docs format ui lock pins clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

demo: $(VENV)/demo.stamp ## Run the whole pipeline on synthetic audio (DEMO_ARGS="--audio DIR")
	$(BIN)/audio-assets demo $(DEMO_ARGS)

test: lint ## Lint, type-check, run the fast tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "$(MARK)" $(PYTEST_ARGS)

test-all: MARK := not cluster
test-all: test ## Lint, type-check, run all tests but those on a cluster; Chromium is needed

lint: $(VENV)/dev.stamp ## Check format, style, what imports what, and types
	$(BIN)/python -m black --quiet --check --diff audio_assets audio_assets_tests benchmarks docs examples .ci
	$(BIN)/python -m flake8 audio_assets audio_assets_tests benchmarks docs examples .ci
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m mypy

docs: $(VENV)/dev.stamp ## Build the pages under docs/ into docs/_build; a warning is an error
	$(BIN)/python docs/settings_page.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build

format: $(VENV)/dev.stamp ## Format the code
	$(BIN)/python -m black audio_assets audio_assets_tests benchmarks docs examples .ci

ui: $(VENV)/models.stamp ## Start the Dagster UI and daemon on http://localhost:3000
	home=$$($(BIN)/audio-assets home) && DAGSTER_HOME="$$home" $(BIN)/dagster dev -w workspace.yaml

lock: $(VENV)/dev.stamp ## Bring requirements.lock up to pyproject.toml (LOCK_ARGS=--upgrade for new releases)
	$(BIN)/pip-compile --quiet --extra dev --extra docs --extra formats --extra k8s --extra tensorflow --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header \
	  --generate-hashes --allow-unsafe --build-deps-for editable $(LOCK_ARGS) \
	  --output-file requirements.lock pyproject.toml

pins: | $(BIN)/python ## Pin CI's actions and the base image to what their tags name now; needs docker
	$(BIN)/python .ci/pins.py

clean: ## Remove the environment, caches and demo results
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .hypothesis build dist *.egg-info demo-results docs/_build
	find audio_assets audio_assets_tests -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that is only half made is removed, so that the next call starts afresh.
$(BIN)/python:
	@test -n "$(PYTHON)" || { \
	  echo "Python 3.11 is needed, and neither python3.11 nor python3 nor python is one." >&2; \
	  echo "Install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" $(IS_311) || { echo "$(PYTHON) is not Python 3.11." >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "The environment could not be made; on Debian and Ubuntu install python3-venv." >&2; exit 1; }

$(VENV)/demo.stamp: pyproject.toml requirements.lock .ci/locked.py Makefile | $(BIN)/python
	@echo "Installing into $(VENV), 1 GB; the first time this takes a few minutes."
	@$(call INSTALL)
	@$(COMPILE)
	@touch $@

# The models that need TensorFlow have no weights in a fresh clone, so the demo leaves them out.
$(VENV)/models.stamp: $(VENV)/demo.stamp
	@echo "Installing TensorFlow into $(VENV), 2 GB."
	@$(call INSTALL,tensorflow)
	@touch $@

$(VENV)/dev.stamp: pyproject.toml requirements.lock .ci/locked.py .ci/axe.lock Makefile | $(BIN)/python
	@echo "Installing into $(VENV) with what tests need; the first time this takes a few minutes."
	@# Of this package tests read one script; without what it asks for, pip check fails the next time.
	@$(BIN)/python -m pip uninstall --quiet --disable-pip-version-check --yes axe-playwright-python
	@$(call INSTALL,dev docs k8s tensorflow)
	@$(PIP_INSTALL) --no-deps --require-hashes -r .ci/axe.lock
	@$(COMPILE)
	@touch $@ $(VENV)/demo.stamp $(VENV)/models.stamp
