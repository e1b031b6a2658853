# Everything runs in .venv, which the first target to need it creates and installs into.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))
REPORT := report

SECONDS := 600

.PHONY: help report test lint lab fuzz clean notebooks demo-model constraints
.DELETE_ON_ERROR:

help:
	@echo "make report      run every notebook on the embedded demo, one HTML page each under report/"
	@echo "make test        all tests, notebooks included"
	@echo "make lab         JupyterLab on notebooks/"
	@echo "make lint        ruff check and format check"
	@echo "make notebooks   run the notebooks in place, as they are committed"
	@echo "make demo-model  train the embedded demo model again"
	@echo "make fuzz        look for inputs that crash, hang or lose rows (SECONDS=600)"
	@echo "make clean       remove what these made, the environment included"

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || \
	  { echo "Could not create a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable ".[notebooks,train,explain,onnx,ray,test]"
	@touch $@

report: $(VENV)/installed
	$(BIN)/python -m sentiment_kit.report $(NOTEBOOKS) --output $(REPORT)
	@echo "Open the pages in $(REPORT)/"

test: $(VENV)/installed
	$(BIN)/python -m pytest

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lab: $(VENV)/installed
	$(BIN)/jupyter lab --notebook-dir notebooks

fuzz: $(VENV)/installed
	$(BIN)/python tests/fuzz.py -max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=6000

# In place; the README's picture is the first figure of the first notebook.
notebooks: $(VENV)/installed
	$(BIN)/python -m sentiment_kit.report $(NOTEBOOKS)
	@mkdir -p docs
	grep -o '"image/png": "[^"]*"' notebooks/01_inference.ipynb | head -1 | cut -d'"' -f4 | sed 's/\\n//g' | base64 -d > docs/probabilities.png

demo-model: $(VENV)/installed
	$(BIN)/python -m sentiment_kit.demo.build_model

# After a change of ranges: install, try everything, then pin what is there.
constraints: $(VENV)/installed
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) $(REPORT) build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
