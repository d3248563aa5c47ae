# Graft: make run, make test, make test-slow, make lint, make bench, make screenshots, make clean

PYTHON ?= python3
# Test processes side by side; each that trains takes about 1 GB.
WORKERS ?= 2
PYTEST_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check

.PHONY: run test test-slow lint bench screenshots docs clean
.DEFAULT_GOAL := run

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Graft needs Python 3.11, 3.12 or " \
	  + "3.13 (for TensorFlow); this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "The virtual environment could not be made. On Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.txt constraints.txt | $(PY)
	@echo "Installing what Graft needs into $(VENV) (tensorflow is large: a few minutes the first time)"
	$(PIP) install -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PIP) install -r requirements-dev.txt -c constraints.txt
	@touch $@

run: $(VENV)/.installed
	$(PY) -m streamlit run app.py

test: $(VENV)/.installed-dev
	$(PY) tests/browser.py
	$(PY) -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

test-slow: $(VENV)/.installed-dev
	$(PY) -m pytest -m slow $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m mypy

bench: $(VENV)/.installed-dev
	$(PY) -m benchmarks $(if $(JOBS),--jobs "$(JOBS)") $(if $(REPEATS),--repeats $(REPEATS)) \
	  $(if $(IMAGES),--images $(IMAGES)) $(BENCH_ARGS)

screenshots: $(VENV)/.installed-dev
	$(PY) tests/browser.py
	$(PY) -m benchmarks.screenshots

docs: $(VENV)/.installed
	$(PY) -m core.recipe.reference

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
