# Start any tool without the current folder on its path: `operator/` here must never shadow the standard library's module.
export PYTHONSAFEPATH := 1
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help setup demo format lint arch types test fuzz offline mutate bench bench-operator bench-gateways bench-admission bench-sync testdata lock package crds policies tools cluster demo-cluster demo-airgap chaos all clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## a virtual environment with everything, from the hashed lock file

$(STAMP): requirements/dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## verify the shipped plugin offline, then three that must be refused
	@sh testdata/demo/run.sh

format: setup ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## format and rules, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

arch: setup ## the arrows between modules
	$(BIN)/lint-imports

types: setup ## mypy, strict
	$(BIN)/mypy

test: setup ## the whole test suite; parts whose real component is missing say how to get it
	$(BIN)/pytest $(TESTS) --cov --cov-report=term

fuzz: setup ## foreign bytes, changed: RUNS=10000 SEED=1 TARGET=bundle, or INPUT=FILE to repeat a finding
	$(BIN)/python -m tests.fuzz --runs $(or $(RUNS),10000) --seed $(or $(SEED),1) $(foreach one,$(TARGET),--target $(one)) \
	  $(if $(INPUT),--input $(INPUT))

offline: setup ## the unit tests in a network namespace without interfaces
	unshare -rn $(BIN)/pytest tests/supplychain tests/cases -q

# MODULES='slsa/*' narrows; CHANGED=1 takes the modules that differ from BASE (default: where origin/main was left, else the last
# commit's parent); MINUTES bounds the time.
mutate: setup ## the deletion test: change what decides in one place at a time, the tests must notice (MODULES=, CHANGED=1)
	$(BIN)/python -m tests.support.mutate $(if $(CHANGED),--changed) $(if $(BASE),--base $(BASE)) $(if $(MINUTES),--minutes $(MINUTES)) $(foreach glob,$(MODULES),'$(glob)')

bench: setup ## time and memory beside peers and limits, as ratios
	$(BIN)/python -m benchmarks

bench-operator: setup ## the operator on a real API server with many plugins: SIZES=1000,10000 (needs `make tools`, takes long)
	$(if $(SIZES),SIZES=$(SIZES)) $(BIN)/python -m benchmarks operator

bench-gateways: setup ## the same with many gateways of twenty plugins: SIZES=50,500 (needs `make tools`)
	$(if $(SIZES),SIZES=$(SIZES)) $(BIN)/python -m benchmarks gateways

bench-admission: setup ## reviews at 50 and 500 a second, beside hashing, and memory over REQUESTS=100000 of them
	$(if $(REQUESTS),REQUESTS=$(REQUESTS)) $(BIN)/python -m benchmarks admission

bench-sync: setup ## `mirror sync` beside `crane copy`: a large plugin, and 1,000 of which nothing changed (needs `make tools`)
	$(BIN)/python -m benchmarks sync

testdata: setup ## rebuild the test data and prove that nothing drifted
	$(BIN)/python -m tests.support.testdata
	git diff --exit-code --stat -- testdata

crds: setup ## write the CustomResourceDefinitions and docs/resources.md anew from the models
	$(BIN)/python -m mcpg_operator crds --split-by-kind charts/mcpg-operator/crds --docs docs/resources.md

policies: setup ## write the ValidatingAdmissionPolicies anew from the rules, and the webhook's configuration
	$(BIN)/python -m mcpg_operator policies --file charts/mcpg-operator/policies.yaml
	$(BIN)/python -m mcpg_operator webhook --file charts/mcpg-operator/webhook.yaml

tools: ## build the real components that integration tests use (needs Go)
	tools/build.sh

cluster: setup ## a real Kubernetes API server with the operator, and a kubeconfig to play with, until Ctrl-C (needs `make tools`)
	@$(BIN)/python -m tests.support.cluster

demo-cluster: setup ## plugins getting Ready on a real API server, and one being revoked; under a minute (needs `make tools`)
	@$(BIN)/python -m tests.support.cluster.demo

demo-airgap: setup ## three plugins carried as files to a cluster without internet, and one revoked there (needs `make tools`)
	@$(BIN)/python -m tests.support.airgap.demo

chaos: setup ## kill the operator at random moments over a running scenario: RUNS=200 SEED=1 (needs `make tools`)
	$(BIN)/python -m tests.e2e.chaos --runs $(or $(RUNS),200) $(if $(SEED),--seed $(SEED))

lock: setup ## resolve the lock files anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --quiet --upgrade --custom-compile-command "make lock" -o requirements/dev.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --quiet --custom-compile-command "make lock" -c requirements/dev.lock -o requirements/base.lock

package: setup ## wheel and source archive in dist/
	$(BIN)/python -m hatchling build

all: lint arch types test ## what CI runs

clean: ## remove what the targets above made
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .cache/mutate
