# Every task of the repository. Whatever a task needs is installed into .venv the first time, from
# pyproject.toml at the exact versions of constraints.txt.
#
#   PYTHON=python3.12   the interpreter that .venv is made with, 3.11 or newer
#   VENV=path           another environment to work in, for instance VENV=$CONDA_PREFIX; a new path becomes one
#   PORT=8001           where `make serve` listens
#   ARGS='-k resize'    more arguments for pytest
#   WORKERS=0           processes that share the tests; by default one for each core that make may use, 0 is one alone
#   PROGRAM=sweep       another program of benchmarks/ for `make bench`
#   NOTEBOOKS='notebooks/05*.md'   some of them for `make run-notebooks`

PYTHON  ?= python3
VENV    ?= .venv
PORT    ?= 8000
ARGS    ?=
WORKERS ?= auto
PROGRAM ?= cpu
NOTEBOOKS ?= notebooks/*.md

# torch's threads wait for one another by running in circles, unless this is set before torch is loaded. Beside other
# work they keep each other from their cores that way: the tests and the book would take several times as long.
export OMP_WAIT_POLICY ?= PASSIVE

# Many containers set this. Then each of the hundreds of processes that the tests start would compile the library anew.
unexport PYTHONDONTWRITEBYTECODE

ifeq ($(strip $(VENV)),)
$(error VENV is empty: name an environment, as VENV=$$CONDA_PREFIX after `conda activate`, or leave it out)
endif

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help lab book pdf serve site-check test test-all lint types live notebooks run-notebooks bench install clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(VENV)/.book ## Build the book into _build/html; warnings are errors (about 7 minutes)
	@mkdir -p _build
	@rm -rf _build/html _build/.doctrees _build/jupyter_execute
# Executed notebooks are cached, but the cache sees no change in satlib/: drop it when there is one.
	@find satlib constraints.txt -type f ! -path '*/__pycache__/*' | sort | xargs cksum > _build/library.new
	@cmp -s _build/library.new _build/library.cksum || rm -rf _build/.jupyter_cache
	@mv _build/library.new _build/library.cksum
	$(BIN)/jupyter-book build . -W --keep-going -n
	@echo "The book is in _build/html: open $(CURDIR)/_build/html/index.html, or run 'make serve'"

serve: ## Serve the built book on localhost
	@test -f _build/html/index.html || { echo "The book is not built yet: run 'make book' first" >&2; exit 1; }
	@echo "The book is at http://localhost:$(PORT) (Ctrl-C stops; another port: make serve PORT=8001)"
	@$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

pdf: $(VENV)/.dev ## Print the built book into _build/sat-companion.pdf, with headless Chromium
	$(BIN)/python -m book.pdf _build/html _build/sat-companion.pdf

# Each process takes the next page when it is done with one.
site-check: $(VENV)/.dev ## Check the built book in headless Chromium (about 6 minutes)
	@rm -f _build/weights.txt
	$(BIN)/python -m pytest tests/book/test_site.py --numprocesses $(WORKERS) --dist load --maxschedchunk 1 $(ARGS)
	@test ! -f _build/weights.txt || { echo "The site, and its heaviest pages with all that they load:"; \
		sort -rn _build/weights.txt | head -6; }

# Tests of one file run in one process: they share what is costly to make.
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev ## Run the tests, except slow ones and those of the built book (about 5 minutes)
	$(PYTEST) --ignore=tests/book/test_site.py -m 'not slow' $(ARGS)

test-all: $(VENV)/.dev ## Run all tests but those of the built book, as CI does (about 26 minutes)
	$(PYTEST) --ignore=tests/book/test_site.py $(ARGS)

lint: $(VENV)/.dev ## Check style, formatting, and that notebooks match their sources
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q tests/repository/test_notebooks.py

types: $(VENV)/.dev ## Check types with mypy
	$(BIN)/mypy

live: $(VENV)/.dev ## Compile the kernels of the page "Try it": book/live/sat.wasm from the C files beside it
	$(BIN)/python book/live/build.py

notebooks: $(VENV)/.dev ## Write each notebooks/*.ipynb from its .md source, without outputs
	$(BIN)/python -m book.lab notebooks/*.md

# The sources are not listed: each chapter would stand there twice.
lab: $(VENV)/.notebook ## Open the notebooks in JupyterLab, at the page to start with
	$(BIN)/jupyter lab --ContentsManager.hide_globs='[0-9][0-9]_*.md' --ContentsManager.hide_globs='__pycache__' \
		--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb

# Each notebook is a batch of one job: what is done is not run again until its code or the library changes.
run-notebooks: $(VENV)/.dev ## Run every notebook by papermill, as it is, into out/notebooks
	@mkdir -p out/notebooks/batches
	@find satlib constraints.txt -type f ! -path '*/__pycache__/*' | sort | xargs cksum > out/notebooks/batches/library.cksum
	@failed=; for source in $(NOTEBOOKS); do \
		batch=out/notebooks/batches/$$(basename $$source .md).yaml; \
		echo "{notebook: $$source, inputs: [out/notebooks/batches/library.cksum]}" > $$batch; \
		$(BIN)/python -m satlib run --batch $$batch -o out/notebooks || failed="$$failed $$source"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

bench: $(VENV)/.dev ## Time satlib against the dense form, on one thread of the CPU (about 8 minutes)
	$(BIN)/python -m benchmarks $(PROGRAM)

install: $(VENV)/.dev ## Install everything for development into .venv

clean: ## Remove the built book and the caches
	rm -rf _build build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## Remove .venv as well
	rm -rf .venv

# Torch comes first, on its own: where only a CPU build is at hand, nothing else may ask for another one.
$(VENV)/.book: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable '.[book]'
	@touch $@ $(VENV)/.notebook

# `book` includes `notebook`; the chapters use what `theory` and `train` bring.
$(VENV)/.notebook: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable '.[notebook,theory,train]'
	@touch $@

# `dev` includes `book`.
$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.book $(VENV)/.notebook

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: make PYTHON=python3.11" >&2; exit 1; }
# --clear empties the folder, of an environment that is broken; it must not empty any other.
	@test ! -e "$(VENV)" || test -f "$(VENV)/pyvenv.cfg" || \
		{ echo "VENV=$(VENV) is there and is no environment: name one, or a path that is not there yet" >&2; exit 1; }
	$(PYTHON) -m venv --clear "$(VENV)"
