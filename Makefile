# Everything sets up .venv by itself and is quick when nothing changed.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TOOLCHAINS := .venv/.toolchains
PYTHON_WORKERS := .venv/.python-workers
# A file of tests is one process's; four of them have work enough for any machine.
AT_ONCE := --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: demo test test-toolchains check lab kill twins machine fuzz bench setup clean

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "golem_nb needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "setting up .venv (once; some minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(READY)

demo: $(READY)
	@$(BIN)/golem-nb demo

# What is needed besides Python is said when it is missing: a browser test is skipped without Chromium, and the client's
# against a mock of the contract without Node (the mock is installed into .node, once).
test: check
	$(BIN)/python -m pytest $(AT_ONCE)

# Components built by compilers, in C and in Python; needs npm, too. What is missing is said, and its tests are skipped.
test-toolchains: $(TOOLCHAINS)
	$(BIN)/python -m pytest -m toolchains tests/toolchains

$(TOOLCHAINS): $(READY)
	@echo "installing compilers into .venv (once; half a gigabyte) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[toolchains]' && touch $(TOOLCHAINS) \
	  || echo "the compilers cannot be installed here: tests that need them are skipped"

$(PYTHON_WORKERS): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[python-workers]' \
	  && touch $(PYTHON_WORKERS) || echo "componentize-py cannot be installed here: cells in Python are no workers"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lab: $(PYTHON_WORKERS)
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/01_first_durable_worker.ipynb

# 200 kills of the engine instead of the 25 that `make test` does.
kill: $(READY)
	GOLEM_NB_KILLS=200 $(BIN)/python -m pytest tests/test_kill.py -s

# Each component's story told 40 times with engines that die, instead of the once that `make test` does.
twins: $(READY)
	GOLEM_NB_TWINS=40 $(BIN)/python -m pytest tests/test_twins.py -s

# 300 examples of random verbs against the model, other ones each time, instead of the same few that `make test` does.
machine: $(READY)
	GOLEM_NB_MACHINE=300 $(BIN)/python -m pytest tests/test_machine.py -s

# Thousands of requests made from the contract, others with each SEED, instead of the hundreds that `make test` makes.
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.run --examples 150 --seed $(or $(SEED),$(shell date +%s))

bench: $(READY)
	$(BIN)/python -m tests.bench.run

clean:
	rm -rf .venv .node build dist .pytest_cache .mypy_cache .ruff_cache tests/output tests/components/built
