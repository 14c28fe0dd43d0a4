# Thin names over standard commands. Everything installs itself; nothing is reinstalled
# until pyproject.toml or a constraints file changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COLAB := .venv-colab
# One process each: the test runner fills the cores by running tests side by side.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
LAB_FLAGS ?=
# Jupyter refuses to run as root, as containers do, unless it is told to.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab live book bench course slides claims test lint types notebooks test-newest test-colab test-weekly browser stamp format clean

help:
	@echo "make lab    open the curriculum in JupyterLab"
	@echo "make live   write build/live.html, the live models on one page that needs no network"
	@echo "make book   build the site into build/book, from executed notebooks"
	@echo "make course write build/course: hand-outs, solutions, and a course for nbgrader"
	@echo "make slides write build/slides: one page for each session of the course, some minutes"
	@echo "make bench  time our recipes against published ones, some ten minutes"
	@echo "make claims measure every claim under three sets of seeds, and keep the evidence"
	@echo "make test   run everything that CI runs"
	@echo "make notebooks  run the notebooks, with three sets of seeds"
	@echo "make stamp  write set-up cells, badges and glossary terms into the notebooks"
	@echo "make format format code and notebooks, strip outputs"
	@echo "make clean  remove the environments"

# No pop-up about Jupyter's news, and no menu of the tools that grade.
lab: $(VENV)/.lab
	JUPYTER_CONFIG_PATH='$(CURDIR)/tools/jupyter' $(BIN)/jupyter lab $(AS_ROOT) \
		--ServerApp.root_dir='$(CURDIR)' \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_FLAGS)

live: $(VENV)/.lab
	@mkdir -p build
	@$(BIN)/python -m toyutils.live build/live.html

course: $(VENV)/.installed
	$(BIN)/python tools/course.py build build/course

slides: $(VENV)/.installed
	$(BIN)/python tools/slides.py build/slides

# The site, in build/book; notebooks run only where their content has changed.
book: $(VENV)/.installed
	$(BIN)/python tools/book.py

bench: $(VENV)/.installed
	$(BIN)/python -m bench

test: lint test-newest test-colab

lint: $(VENV)/.installed types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --deny-warnings toyutils
	$(BIN)/codespell README.md bench book notebooks tests toyutils tools
	$(BIN)/python tools/notebooks.py stamp --check

# The types of the live apps' JavaScript, by a compiler that npx brings.
types: $(VENV)/.installed
	PATH='$(CURDIR)/$(BIN)':"$$PATH" $(BIN)/npx --yes --package typescript@7.0.2 \
		tsc --project toyutils/live/jsconfig.json

test-newest: notebooks book browser
	$(PYTEST) tests

# The learner's files as they are, from copies that keep their outputs for the book. What each
# claim of their prose comes to is left in build/claims, where tests/claims holds it against the
# words. Two more sets of seeds run where the kept evidence no longer fits: see `make claims`.
notebooks: $(VENV)/.installed
	rm -rf build/claims build/ipython build/executed
	mkdir -p build && cp -r tests/claims/ipython build/ && cp -r notebooks build/executed
	IPYTHONDIR='$(CURDIR)/build/ipython' CLAIMS='$(CURDIR)/build/claims/0' \
		$(PYTEST) --nbmake --overwrite --nbmake-timeout=300 build/executed
	$(BIN)/python tools/book.py --mark
	$(BIN)/python tools/claims.py recall build/claims
	for shift in 1009 2018; do \
		books=$$($(BIN)/python tools/claims.py missing build/claims $$shift) || exit 1; \
		test -z "$$books" || IPYTHONDIR='$(CURDIR)/build/ipython' SEED_SHIFT=$$shift \
		CLAIMS='$(CURDIR)/build/claims/'$$shift $(PYTEST) --nbmake --nbmake-timeout=300 $$books \
		|| exit 1; \
	done

# What Colab ships: older plotly, ipywidgets and numpy. The set-up cell comes first: it installs
# toyutils there, as the only package that it may add.
test-colab: $(COLAB)/.installed
	$(COLAB)/bin/python -m pytest tests/colab/test_setup.py
	OMP_NUM_THREADS=1 $(COLAB)/bin/python -m pytest -n 2 tests/colab/test_notebooks.py \
		tests/test_plots.py tests/test_models.py tests/test_live.py

# Statistics with millions of points, and what is stored trained anew.
test-weekly: $(VENV)/.installed $(COLAB)/.installed
	$(PYTEST) -m weekly tests
	OMP_NUM_THREADS=1 $(COLAB)/bin/python -m pytest -n 2 -m weekly tests/colab/test_notebooks.py

# Every claim under three sets of seeds, on all cores; a killed run resumes.
claims: $(VENV)/.installed
	$(BIN)/python tools/claims.py

browser: $(VENV)/.installed
	@$(BIN)/python tools/browser.py

stamp: $(VENV)/.installed
	$(BIN)/python tools/notebooks.py stamp

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb

clean:
	rm -rf $(VENV) $(COLAB)

# What a learner needs, and nothing that tests or grades.
$(VENV)/.lab: pyproject.toml constraints.txt
	$(call create,$(VENV))
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[lab]'
	@touch $@

# It includes what a learner needs.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(call create,$(VENV))
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.lab

$(COLAB)/.installed: pyproject.toml constraints.txt constraints-colab.txt
	$(call create,$(COLAB))
	$(COLAB)/bin/python -m pip install --quiet -c constraints-colab.txt '.[colab-test]'
	$(COLAB)/bin/python -m pip uninstall --quiet --yes toyutils
	@touch $@

# Recipe: make the virtual environment $(1), or say in one line what is missing.
define create
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Name another: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1) || { \
		echo "Creating a virtual environment failed. On Debian or Ubuntu: apt install python3-venv"; \
		exit 1; }
endef
