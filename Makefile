# Everything here needs Python 3.11 or newer and make. The first call builds .venv from constraints.txt, where every
# version is pinned; later calls start at once and use no network.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs format

FIND_PYTHON := for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done
BIN := .venv/bin
READY := .venv/ready
TESTS ?= tests

# On shared cores two OpenMP threads wait for each other: one is faster. Tests and docs never ask the hub.
QUIET := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

help:
	@echo "make demo     fine-tune on the support-desk messages that come with the package, and report"
	@echo "make test     run the tests (TESTS=tests/recipe for some of them)"
	@echo "make check    format, lint, types, import floors, docs: all that can be checked without running"
	@echo "make bench    measure start-up, the check of a million rows, and (with ../shared) trainings and predictions"
	@echo "make docs     write the generated pages and build site/"
	@echo "make format   put the code into shape"

$(READY): constraints.txt pyproject.toml
	@python=$$($(FIND_PYTHON)); \
	if [ -n "$(PYTHON)" ]; then python="$(PYTHON)"; fi; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer with venv was found on PATH. Install one, or: make PYTHON=/path/to/python3" >&2; \
		exit 2; \
	fi; \
	echo "Building .venv with $$($$python --version); this happens once." && \
	"$$python" -m venv .venv
	@# The build tools come first and from constraints.txt, so that building fetches nothing more; setuptools is for
	@# two packages that come as source (rouge_score, seqeval).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables \
		setuptools setuptools-scm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/tunesmith demo

# One process: the test that forks runs and kills them (test_kills) wants no threads of a test runner beside it.
test: $(READY)
	$(QUIET) $(BIN)/python -m pytest $(TESTS)

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(QUIET) $(BIN)/python docs/build.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/check_speed.py
	$(BIN)/python -m pip install -q -c constraints.txt -r benchmarks/speed.txt
	$(BIN)/python benchmarks/speed.py
	@echo "The main job (about two hours, needs ../shared/data): $(BIN)/python benchmarks/main_job.py"
	@echo "Chat (some hours, needs ../shared): $(BIN)/python benchmarks/writing.py"
	@echo "Tagging, answering, matching (over three hours, needs ../shared): $(BIN)/python benchmarks/reading.py"

docs: $(READY)
	$(QUIET) $(BIN)/python docs/build.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html is built."

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
