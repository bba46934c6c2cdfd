# `make run` and `make test` do all the set-up there is; everything they install goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test soak bench bench-large coverage check lint format look clean

run: $(VENV)/.run
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.dev system
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

# The proofs of docs/GUARANTEES.md with large figures; ends with a table of them. Takes the better part of an hour.
soak: $(VENV)/.dev system
	RETAKE_SOAK=1 $(BIN)/python -m pytest -n auto -m proof $(ARGS)

# How fast it is, beside what else would do the same: one table.
bench: $(VENV)/.dev system
	$(BIN)/python -m benchmarks $(ARGS)

bench-large: $(VENV)/.dev system
	$(BIN)/python -m benchmarks --large $(ARGS)

# Which lines and branches of the store the tests reach, those of the browser left out.
coverage: $(VENV)/.dev system
	$(BIN)/python -m pytest -n auto --dist loadfile -q --cov --cov-report=term-missing $(STORE_TESTS) store

STORE_TESTS = $(filter-out $(BROWSER_TESTS),$(wildcard tests/test_*.py))
BROWSER_TESTS = $(addprefix tests/test_,$(addsuffix .py,abplayer app attacks benchmarks comparing completeness controls endpoints espeak generators guard \
	handlers hearing jobs journey page page_benchmarks panel playing_while_tagged preset_events preset_handlers preset_page readme record replay stored_text synth unsaved view zoo))

check: lint test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

look: $(VENV)/.dev system
	$(BIN)/python -m tests.look look

# A browser and the speech program that the tests drive; installed where the system allows it, an error where not.
.PHONY: system
system:
	@sh tests/system.sh

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) look .mypy_cache .pytest_cache .ruff_cache .hypothesis
