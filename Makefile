# Everything happens in a virtual environment of its own; PYTHON is what makes it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench faults packages engines clean

demo: $(VENV)/.demo
	$(BIN)/chtui demo

# Two test files run at a time, each beside a rig of its own; in the order of the folders, for rigs start slowly.
test: lint packages engines
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test packages
	$(BIN)/python -m pytest -s tests/bench

# Every case of the fault matrix, hours; FAULTS are its arguments, as FAULTS='--rig modern --shard 1/2'. Begun again it goes on.
faults: $(VENV)/.test packages
	$(BIN)/python -m tests.faults.matrix --resume $(FAULTS)

# Debian packages the rigs run: ClickHouse 18.16 with real replication, ZooKeeper, tmux.
packages:
	tests/install-packages

# Other ClickHouse versions, 1.9 GB unpacked, in the virtual environment.
engines: $(VENV)/.test
	$(BIN)/python -m tests.rigs.wheels

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[demo]'
	touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
