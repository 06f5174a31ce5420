# The two commands of the README are `make demo` and `make test`.
# Each makes .venv if it is missing, installs what it needs, and runs; a second run installs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
CHECKED := tfq schemas samples tests benchmarks docs scripts

CASES ?= 100000
SEED ?= 1

.PHONY: demo test fuzz fuzz-guided lint format bench clean

demo: $(INSTALLED)
	$(BIN)/python samples/demo.py

test: $(INSTALLED)
	$(BIN)/python -m pytest

# make fuzz CASES=1000000 SEED=7; a case that fails says how to run it alone.
fuzz: $(INSTALLED)
	$(BIN)/python tests/fuzz/run.py --cases=$(CASES) --seed=$(SEED)

# Until it finds something, or for so long: make fuzz-guided OPTIONS=-max_total_time=600
fuzz-guided: $(INSTALLED)
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet \
		--disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/guided.py $(OPTIONS)

lint: $(INSTALLED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

bench: $(INSTALLED)
	$(BIN)/python benchmarks/inspection.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/counting.py
	$(BIN)/python benchmarks/placement.py
	$(BIN)/python benchmarks/conversion.py
	$(BIN)/python benchmarks/calibration.py
	$(BIN)/python benchmarks/equalizing.py
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/comparing.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/qat.py
	$(BIN)/python benchmarks/sweeping.py

# The stamp is written last, so an interrupted installation is taken up again.
$(INSTALLED): pyproject.toml setup.cfg constraints.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
