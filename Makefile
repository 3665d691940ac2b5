# The whole project by name. A machine with Python 3.11, git and make needs nothing else to begin.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := build/demo
CODE   := ledger verifier api keys
LOCKS  := .ci/requirements
JOSE   := tests/interop/node_modules/.package-lock.json

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test check bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Record real issuances, attest, certify, export and audit them, in build/demo
	rm -rf $(DEMO)
	gigaton demo --data $(DEMO) --input api/demo/issuances.csv

serve: $(READY) ## Serve the demonstration's ledger at http://127.0.0.1:8000
	test -e $(DEMO)/ledger.db || gigaton demo --data $(DEMO) --input api/demo/issuances.csv
	gigaton serve --data $(DEMO)

test: $(READY) $(JOSE) ## Run every test, with the outside judges that it needs
	.ci/system-packages
	pytest -n auto tests

check: $(READY) ## Look without running: style, types, import rules, dependencies, dead code
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo
	deptry --no-ansi $(CODE)
	python .ci/dead_code.py

bench: $(READY) ## Print audit, import and proof rates beside the raw signature rate
	gigaton bench

lock: $(READY) ## Lock the newest versions of all packages, with their hashes
	.ci/lock

clean: ## Remove everything that make made
	rm -rf $(VENV) build dist tests/interop/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml $(LOCKS)/dev.txt
	.ci/environment "$(PYTHON)" $(VENV) $(LOCKS)/dev.txt
	@touch $@

$(JOSE): tests/interop/package.json tests/interop/package-lock.json | $(READY)
	npm ci --prefix tests/interop --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
