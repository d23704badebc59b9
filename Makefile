# Two commands matter: `make run` and `make test`. Both start from nothing but Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: run setup setup-offline wheels setup-dev setup-spark test lint format lock docs clean

run: setup
	$(BIN)/tew demo --if-empty
	$(BIN)/tew refresh
	$(BIN)/tew up

setup: $(VENV)/.run-stamp

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# pip compiles bytecode while it installs, which saves seconds at every later start. The lock is whole, hence --no-deps:
# older pips refuse the extras that packages ask of each other otherwise.
$(VENV)/.run-stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

# Every package of the lock as a file, compared with its hash: carried to a machine without network.
wheels: | $(VENV)/bin/python
	$(PIP) download --no-deps --require-hashes -r requirements.lock -d wheels

# The same as setup, from wheels/ alone.
setup-offline: | $(VENV)/bin/python
	$(PIP) install --no-index --find-links wheels --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-index --no-deps --no-build-isolation -e .
	touch $(VENV)/.run-stamp

setup-dev: $(VENV)/.dev-stamp

$(VENV)/.dev-stamp: requirements-dev.lock $(VENV)/.run-stamp
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	touch $@

# The optional engine (docs/spark.md); Java 17 or 21 comes from the system. About 600 MB.
setup-spark: setup
	$(PIP) install --no-deps --no-build-isolation --require-hashes -r requirements-spark.lock

test: setup-dev
	$(BIN)/python -m tests.browser --install
	$(MAKE) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 0 dbt/models dbt/macros dbt/tests
	$(BIN)/sqlfluff lint --config dashboard/data/sqlfluff.cfg dashboard/data/sql

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The dictionary from reference data. TEW_SEEDS chooses the deployment.
docs: setup
	$(BIN)/tew dictionary --folder docs

# Needs uv on the PATH; hashes for every platform, no index address.
lock:
	uv pip compile --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-emit-index-url \
		--no-header --no-annotate \
		pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-emit-index-url \
		--no-header --no-annotate \
		--extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-emit-index-url \
		--no-header --no-annotate \
		--extra spark -c requirements.lock pyproject.toml -o requirements-spark.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dbt/target dbt/logs
