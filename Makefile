# Everything runs in .venv, which the first target to need it creates and installs into.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
REPORT_EXTRAS := notebooks,train,explain,adapters,onnx,excel
TEST_EXTRAS := ray,docs,experiments,test
REPORT := report
ONLY :=

SECONDS := 600
ENCODER := intfloat/multilingual-e5-small

.PHONY: help report test test-all coverage docs experiments lint lab fuzz clean notebooks demo-model constraints
.DELETE_ON_ERROR:

help:
	@echo "make report      run every notebook on the embedded demo and bind them into a site, report/index.html"
	@echo "make test        the tests, notebooks included, without the long ones"
	@echo "make test-all    all tests: simulations, killed runs, pages of the documentation and solutions as well"
	@echo "make docs        build the documentation into site/, warnings as errors"
	@echo "make lab         JupyterLab on notebooks/, beginning at a start page"
	@echo "make lint        ruff check and format check, and the types by mypy"
	@echo "make notebooks   run the notebooks in place, as they are committed"
	@echo "make demo-model  make the embedded models again (ENCODER=folder or hub id, SENTIPOLC=its training file)"
	@echo "make experiments run the long experiments behind notebooks 13 and 14 again (SENTIPOLC=its training file)"
	@echo "make coverage    the lines of the package that the tests run, at least 95%"
	@echo "make fuzz        look for inputs that crash, hang or lose rows (SECONDS=600)"
	@echo "make clean       remove what these made, the environment included"

# Two steps: what a report needs, and what tests and documentation add to it.
$(VENV)/for-report: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || \
	  { echo "Could not create a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(INSTALL) --editable ".[$(REPORT_EXTRAS)]"
	@touch $@

$(VENV)/installed: $(VENV)/for-report
	$(INSTALL) --editable ".[$(REPORT_EXTRAS),$(TEST_EXTRAS)]"
	@touch $@

report: $(VENV)/for-report
	$(BIN)/sentiment-kit report --output $(REPORT) --only "$(ONLY)"

# A worker a core, each with one thread: files are dealt out whole, for a notebook's cells need one kernel, and in the
# order that tests/conftest.py gives them. Bars of slow cells would be outputs that nobody committed.
PYTEST := OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(VENV)/installed
	$(PYTEST) -m "not long"

test-all: $(VENV)/installed
	$(PYTEST)

# By the tests alone: in kernels that are forked nbval's own coverage waits for an answer that does not come.
coverage: $(VENV)/installed
	$(PYTEST) tests --cov --cov-report=term:skip-covered

# With the reference from the docstrings and the notebooks as pages; the theme's notice about its own future is left out.
docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(VENV)/for-report
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab --notebook-dir . --LabApp.app_settings_dir notebooks/.lab \
	  --LabApp.default_url /lab/tree/notebooks/start.md

fuzz: $(VENV)/installed
	$(BIN)/python tests/fuzz.py -max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=6000

# In place; the README's picture is the first figure of the first notebook.
notebooks: $(VENV)/for-report
	$(BIN)/sentiment-kit report --in-place
	@mkdir -p docs
	grep -o '"image/png": "[^"]*"' notebooks/01_inference.ipynb | head -1 | cut -d'"' -f4 | sed 's/\\n//g' | base64 -d > docs/probabilities.png

experiments: $(VENV)/for-report
	@if [ -n "$(SENTIPOLC)" ]; then $(BIN)/python experiments/recipe.py "$(SENTIPOLC)" --encoder "$(ENCODER)"; \
	  else echo "experiments/recipe.py is left out: it needs SENTIPOLC=path/to/training_set_sentipolc16.csv"; fi
	$(BIN)/python experiments/bias.py --encoder "$(ENCODER)"
	$(BIN)/python experiments/distillation.py --encoder "$(ENCODER)" $(if $(SENTIPOLC),--sentipolc "$(SENTIPOLC)")
	$(BIN)/python experiments/training_speed.py
	$(BIN)/python experiments/verdicts.py
	$(BIN)/python experiments/verdicts_pairs.py
	$(BIN)/python experiments/coverage_of_shares.py $(if $(SENTIPOLC),--sentipolc "$(SENTIPOLC)")
	$(BIN)/python experiments/large_files.py

demo-model: $(VENV)/installed
	$(BIN)/python experiments/demo_model.py --encoder "$(ENCODER)" $(if $(SENTIPOLC),--sentipolc "$(SENTIPOLC)")
	$(BIN)/python experiments/topic_tagger.py $(if $(SENTIPOLC),--sentipolc "$(SENTIPOLC)")

# After a change of ranges: install, try everything, then pin what is there.
constraints: $(VENV)/installed
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) $(REPORT) site build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
