# AgentVCR's commands. Needs make and Python 3.11 or newer, and nothing else.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests docs benchmarks
FRAMEWORKS := .venv-frameworks
REQUIREMENTS := $(wildcard tests/frameworks/requirements/*.txt)
COMPAT := .venv-compat
PYTHON ?=
PYTHONS := $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)

# The build backend is pinned too; older pip reads the first name, newer pip the second.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
# A file of tests in each process at a time: most of a test is waiting for programs to start.
# Not those of most tests first: the long files have few, and unit tests fill up the end.
# A process that dies ends the run: pytest-xdist may wait for its tests for ever.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help setup demo test check check-long frameworks environments compat fix bench docs gates

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.lint ## Install AgentVCR and every tool into .venv, at the pinned versions

demo: $(VENV)/.test ## Record, replay and diff a small multi-agent run, offline, in a minute
	@$(BIN)/agentvcr demo

check: ROUNDS ?= 3
check: gates ## Every gate: format, lint, types, layers, then all tests (what CI runs)
	@ROUNDS=$(ROUNDS) $(PYTEST)

check-long: ROUNDS ?= 50
check-long: gates ## The same gates, with every loop of random rounds in full
	@ROUNDS=$(ROUNDS) $(PYTEST) -o timeout=3600

test: $(VENV)/.test ## Run the tests; ARGS="-k name" picks some
	@$(PYTEST) $(ARGS)

frameworks: environments ## Record and replay real agent frameworks, each in an environment of its own
	@AGENTVCR_FRAMEWORKS=$(abspath $(FRAMEWORKS)) $(PYTEST) tests/frameworks $(ARGS)

environments: $(VENV)/.test
	@$(MAKE) -j4 $(patsubst tests/frameworks/requirements/%.txt,$(FRAMEWORKS)/%/.laid,$(REQUIREMENTS))

compat: $(VENV)/.test $(COMPAT)/.laid ## Run the own tests of vcrpy and pytest-recording on us, and record rare clients
	@$(COMPAT)/bin/python tests/compat/run.py $(COMPAT)
	@AGENTVCR_COMPAT=$(abspath $(COMPAT)) $(BIN)/python -m pytest tests/compat $(ARGS)

fix: $(VENV)/.lint ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet $(wildcard $(SOURCES))
	@$(BIN)/ruff format --quiet $(wildcard $(SOURCES))

bench: $(VENV)/.test ## Measure what recording, replaying and cassettes cost, beside the others
	@$(BIN)/python benchmarks/record_replay.py
	@$(BIN)/python benchmarks/determinism.py
	@$(BIN)/python benchmarks/clients.py
	@$(BIN)/python benchmarks/cassette.py

docs: $(VENV)/.test ## Write docs/reference/cli.md from the commands' own --help
	@$(BIN)/python docs/generate_cli.py

gates: $(VENV)/.lint
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

# Each framework pins what others pin otherwise; our own constraints are not theirs.
$(FRAMEWORKS)/%/.laid: tests/frameworks/requirements/%.txt
	@echo "Installing $* into $(@D) …" >&2
	@$(BIN)/python -m venv --clear $(@D)
	@env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT $(@D)/bin/python -m pip install \
	  --quiet --disable-pip-version-check -r $<
	@touch $@

# The tests of both come with the source distributions alone; they are run where they were unpacked.
$(COMPAT)/.laid: tests/compat/requirements.txt | $(VENV)/.python
	@echo "Installing vcrpy, pytest-recording and their tests into $(COMPAT) …" >&2
	@$(BIN)/python -m venv --clear $(COMPAT)
	@env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT $(COMPAT)/bin/python -m pip install \
	  --quiet --disable-pip-version-check -r $<
	@env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT $(COMPAT)/bin/python -m pip download \
	  --quiet --disable-pip-version-check --no-binary vcrpy,pytest-recording --no-deps --dest $(COMPAT) \
	  $$(grep -E '^(vcrpy|pytest-recording)==' $<)
	@for archive in $(COMPAT)/*.tar.gz; do tar -xzf $$archive -C $(COMPAT); done
	@touch $@

$(VENV)/.python:
	@for python in $(PYTHONS); do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then $$python -m venv $(VENV) && touch $@ && exit 0; fi; \
	done; \
	echo "No Python 3.11 or newer with venv among: $(PYTHONS). Say PYTHON=/path/to/python3." >&2; exit 1

# pytest rewrites its plugins, and once is enough, also where nobody else may write bytecode.
$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing AgentVCR into $(VENV) …" >&2
	@$(PIP) --editable '.[test]'
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -VV >/dev/null
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(PIP) --editable '.[test,lint]'
	@touch $@
