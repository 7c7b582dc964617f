# Commands of the project; `make help` lists them. Works with GNU make 3.81 and newer.
# PYTHON=/path/to/python3 chooses the interpreter of the environment, JOBS=8 the number of test processes.

JOBS ?= 2
CELLS ?= small
PYTHON_HERE := .venv/bin/python
CACHES := .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache book/api/generated

# uv leaves compiling to the first import; a container that forbids Python to keep it would compile in every process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env book pdf chapter test mutations check verify check-clean bench clean

help: ## show this list
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-14s%s\n", $$1, $$2}'
	@echo 'On a fresh machine start with: make book'

env: ## make .venv with the tested packages (the other targets do it when needed)
	@if [ -n "$$PYTHON" ] || ! $(PYTHON_HERE) scripts/environment.py --is-current 2>/dev/null; then \
	    python=$$(sh scripts/find_python.sh) && "$$python" scripts/environment.py; \
	fi

book: env ## compute what is out of date and build the executed book in _build/html
	@$(PYTHON_HERE) book/build.py

pdf: book ## the whole book as one PDF, _build/imbalance-book.pdf; needs Chromium
	@$(PYTHON_HERE) book/pdf.py

chapter: env ## build one chapter alone, for a quick look: make chapter NAME=sade
	@$(PYTHON_HERE) book/build.py --chapter '$(NAME)'

test: book ## the whole test suite over package, notebooks and built book
	@$(PYTHON_HERE) -m pytest -n $(JOBS) --dist loadgroup tests

mutations: env ## deliberate errors that the tests must catch, on a copy: about an hour; of one room: make mutations ROOM=claims
	@$(PYTHON_HERE) tests/mutations/run.py $(if $(ROOM),--only '$(ROOM)')

check: env ## formatting, lint, types, import contracts, tables, verdicts, pairing, pins, links; of one study: make check STUDY=sade
	@$(PYTHON_HERE) scripts/check.py $(if $(STUDY),--study '$(STUDY)')

verify: env ## compute cells of the committed tables again and compare: the cheapest of each kind, hours for all studies
	@.venv/bin/repro verify $(STUDY)

check-clean: ## make book and make test in a fresh clone with an empty home folder
	@sh scripts/check_clean.sh

bench: env ## speed against peers (CELLS=all: the whole grid of SMOTE, hours)
	@$(PYTHON_HERE) benchmarks/smote.py --cells $(CELLS)
	@$(PYTHON_HERE) benchmarks/ranking.py
	@$(PYTHON_HERE) benchmarks/ordinal.py
	@$(PYTHON_HERE) benchmarks/geometry.py
	@$(PYTHON_HERE) benchmarks/aggregation.py
	@$(PYTHON_HERE) benchmarks/training.py
	@$(PYTHON_HERE) benchmarks/thresholds.py
	@$(PYTHON_HERE) benchmarks/multiplicity.py
	@$(PYTHON_HERE) benchmarks/random_vector_link.py

clean: ## remove what is built and cached here
	@if [ -d _build ]; then find _build -mindepth 1 -maxdepth 1 ! -name cells -exec rm -rf {} +; fi
	@rm -rf $(CACHES)
	@find . -path ./.venv -prune -o -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Removed: the built book, tables that were computed for this copy only, and the caches of the tools.'
	@echo 'Kept: .venv (the environment), results (committed tables), _build/cells (finished cells, also of runs that have'
	@echo '      no table yet; remove the folder to compute them again), and downloaded data'
	@echo "      ($${REPRO_DATA_DIR:-the user's cache folder, imbalance-book}; repro data clear removes it)."
