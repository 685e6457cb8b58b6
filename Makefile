# Start with `make search` or `make test`. The first call creates the environment.

PYTHON ?= python3
VENV ?= .venv
PIP_FLAGS ?=
SPACE ?= lenet
ARGS ?=
BENCH ?= results/bench

# Files of a user's own in the root of a clone are not checked.
CODE := .ci benchmarks docs examples tests tools tune_mnist

BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install search lab-report test pytest test-fast bench docs results plotly-js monitoring lint format clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: $(READY) ## Create the environment and install the project with its tools

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "installing into $(VENV): about 5 GB, some minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable '.[dev]'
	@touch $@

search: $(READY) ## Run a search: make search SPACE=resnet ARGS="--num-samples 8"
	$(BIN)/python -m tune_mnist.search --space $(SPACE) $(ARGS)

# results/lab-report holds the committed results, so the repetition has its own folder. Interrupted
# searches are resumed.
LAB ?= results/lab-report-again
lab = $(BIN)/python -m tune_mnist.search $(if $(wildcard $(LAB)/$(1)/experiment.json),\
	--resume $(LAB)/$(1),$(2) --output-dir $(LAB) --name $(1))

lab-report: $(READY) ## Repeat the experiments of the lab report (more than an hour)
	$(call lab,grid,--space lab-report --searcher grid --scheduler none --final-seeds 0)
	$(call lab,lenet-all-data,--space lab-report-lenet --searcher grid --scheduler none)
	$(call lab,searched,--space all --image-size 48 --max-epochs 3 --num-samples 12 --final-seeds 0)
	$(BIN)/python -m tune_mnist.report $(LAB)/grid $(LAB)/lenet-all-data $(LAB)/searched --output $(LAB)

test: lint pytest ## Check style, types and wording, and run all tests

# By default xdist starts with the files that have the most tests, so the slow e2e files would run
# last, on one worker only.
pytest: $(READY) ## Run all tests, including the end-to-end tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# Left out besides Ray: the files that take longest, each of which covers a room of its own.
SLOWER := tests/fuzz tests/contributing tests/reporting/test_page.py tests/tuning/contract \
	tests/training/test_recipes.py tests/training/test_fidelity.py tests/training/test_saved_state.py \
	tests/test_export.py tests/tuning/cluster/test_node_packages.py tests/api/test_import.py \
	tests/hostile/test_paths.py tests/inference/test_portable.py tests/reporting/test_preload.py \
	tests/tuning/searching/test_samplers.py

test-fast: $(READY) ## Run the tests for the everyday loop: no Ray, no download, in about two minutes
	$(BIN)/python -m pytest -m "not e2e" --numprocesses 2 --dist loadfile --no-loadscope-reorder \
		$(SLOWER:%=--ignore %) $(ARGS)

bench: $(READY) ## Run short versions of the benchmarks (about 20 minutes)
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python -m benchmarks.search_memory --output $(BENCH)/search_memory
	$(BIN)/python -m benchmarks.step --rounds 2 --batches 2 --output $(BENCH)/step
	$(BIN)/python -m benchmarks.orchestration --trials 16 --output $(BENCH)/orchestration
	$(BIN)/python -m benchmarks.packing --case lenet:64 --at-a-time 1 --at-a-time 2 --seconds 5 --output $(BENCH)/packing
	rm -rf $(BENCH)/versus
	$(BIN)/python -m benchmarks.versus.run --seeds 0 --num-samples 4 --max-epochs 2 --output $(BENCH)/versus
	rm -rf $(BENCH)/fidelity-short
	$(BIN)/python -m benchmarks.fidelity.rank_correlation --configs 3 --epochs 1 --top 64:0.015 --fidelity 28:0.015 --output $(BENCH)/fidelity-short
	$(BIN)/python -m benchmarks.fidelity.versus --seeds 1 --num-samples 3 --max-epochs 3 --stage 1:28 --stage 2:48 --image-size 64 --output $(BENCH)/fidelity-short

docs: $(READY) ## Generate the reference pages and build the documentation site into site/
	PYTHONPATH=. $(BIN)/python docs/generate_options.py
	PYTHONPATH=. $(BIN)/python docs/generate_space_file.py
	PYTHONPATH=. $(BIN)/python docs/generate_glossary.py
	PYTHONPATH=. $(BIN)/python docs/generate_results.py
	$(BIN)/python -m docs.pictures
	$(BIN)/python -m benchmarks.results_page
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

results: $(READY) ## Write results/README.md; make results ADD=FOLDER stores a search there first
	$(if $(ADD),PYTHONPATH=. $(BIN)/python docs/add_results.py $(ADD))
	PYTHONPATH=. $(BIN)/python docs/generate_results.py

plotly-js: $(READY) ## Update the report's copy of plotly.js to the installed plotly (needs npm)
	$(BIN)/python tools/update_plotly_js.py

monitoring: ## Start Prometheus, and Grafana if installed, on loopback
	deploy/monitoring/start.sh

lint: $(READY) ## Check style, types and wording
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/python .ci/check_phrases.py $(CODE) deploy search_spaces Makefile *.md *.toml *.yml

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## Remove the environment
	rm -rf $(VENV)
