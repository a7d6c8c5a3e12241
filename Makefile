# Daily words. `make help` lists them; CI runs the same ones.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= .demo
TARGET_YEAR ?= 2027

# A second idle thread of LightGBM otherwise spins against every other process.
export OMP_WAIT_POLICY := PASSIVE
# Records of children: no library may report home.
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.DEFAULT_GOAL := help
.PHONY: help install spark postgres peers fix check test demo cards serve cast docs screenshots moments bench results compare lock clean

help: ## list these words
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with everything the demo and the tests need

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "ews needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "'$(PYTHON) -m venv' failed. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

spark: $(VENV)/.spark ## add PySpark to .venv; needs Java 17 (Debian: apt-get install default-jre-headless)

$(VENV)/.spark: requirements-spark.lock $(VENV)/.installed
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements-spark.lock
	@java -version >/dev/null 2>&1 || echo "PySpark is in; it needs Java 17 or newer, and none was found. On Debian or Ubuntu: apt-get install -y default-jre-headless"
	@touch $@

postgres: ## say whether the tests find PostgreSQL here, or how to install it
	@ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb 2>/dev/null || command -v initdb \
		|| echo "No PostgreSQL was found; its tests will skip. On Debian or Ubuntu: apt-get install -y postgresql"

peers: $(VENV)/.peers ## add other people's model libraries to .venv, which benchmarks compare with

$(VENV)/.peers: requirements-peers.lock $(VENV)/.installed
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements-peers.lock
	@touch $@

fix: install ## format, and mend what can be mended by itself
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .
	$(BIN)/python docs/generate.py

check: install ## lint, types, import contracts, generated docs current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

test: check ## all checks and all tests
	$(BIN)/pytest -n 2

demo: install ## a pretend district, from records to one school's list, in DEMO_HOME
	@$(BIN)/python -m ews.cli.demo --home $(DEMO_HOME) --target-year $(TARGET_YEAR)

cards: install ## write models/ anew from the newest version of DEMO_HOME: model card, datasheet, family page, parameters
	@$(BIN)/ews audit --home $(DEMO_HOME) --proxies --with-protected >/dev/null || test $$? -eq 19 # the gate said no
	@$(BIN)/ews card --home $(DEMO_HOME) --out models

serve: install ## the service, on the demo (or another) home
	@$(BIN)/python -m ews_serve --home $(DEMO_HOME)

docs: install ## write the generated pages of docs/
	$(BIN)/python docs/generate.py

cast: install ## the service on the fictional school of the tests, one student for each hard case
	@$(BIN)/python -m tests.show_cast

screenshots: install ## take the pictures of docs/pages.md anew; needs Debian's chromium
	EWS_SCREENSHOTS=yes $(BIN)/pytest -q tests/functional/browser/test_screenshots.py

moments: install ## simulate anew what docs/simulator.md shows; some minutes
	$(BIN)/python -c 'import pathlib, ews.simulator.documentation as it; it.write_documentation(pathlib.Path("docs"))'

bench: install ## measure speed; prints ratios taken side by side
	$(BIN)/python -m benchmarks

RESULTS_WORK ?= .results

results: install ## measure anew what docs/results.md shows; a quarter of an hour, and goes on where it was stopped
	$(BIN)/python -m benchmarks.results --work $(RESULTS_WORK)

compare: peers ## other people's models beside ours, on simulated districts; writes docs/peers.md
	$(BIN)/python -m benchmarks.peers --work $(RESULTS_WORK)

SOLVE = $(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
SPARK_EXTRA = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"])
PEERS_GROUP = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["peers"], sep="\n")

lock: install ## solve all locks anew from pyproject.toml
	$(SOLVE) --group test --group dev --extra serve --extra edfi pyproject.toml --output-file requirements.lock
	$(BIN)/python -c '$(SPARK_EXTRA)' | $(SOLVE) --constraint requirements.lock - --output-file requirements-spark.lock
	$(BIN)/python -c '$(PEERS_GROUP)' | $(SOLVE) --constraint requirements.lock - --output-file requirements-peers.lock

clean: ## remove .venv and the demo
	rm -rf $(VENV) $(DEMO_HOME)
