# Two commands: `make up` runs everything on this machine, `make test` proves it. Only Python 3.11+ and a package index are needed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help up pages servers test containers lint types contracts faults bench lock clean

UV ?= uv
JOBS ?= 4
VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make an environment; PYTHON= names another.
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUITABLE)' >/dev/null 2>&1 && echo $$p && break; done)
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

up: $(VENV)/runtime.stamp ## run everything on http://127.0.0.1:8000 (PORT= another), data in .serumpun/
	@$(BIN)/python -m services.building --or-say
	@exec $(BIN)/python -m services.cli up

pages: $(VENV)/runtime.stamp ## build the pages of web/ where their sources have changed
	@$(BIN)/python -m services.building

servers: $(VENV)/runtime.stamp ## run only the databases, for services started one by one (serumpun serve NAME)
	@exec $(BIN)/python -m services.cli servers

test: $(VENV)/dev.stamp ## run the whole test suite on servers of its own, in four processes (JOBS= another number, ARGS= for pytest)
	@exec $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

containers: $(VENV)/dev.stamp ## bring the compose file up on a Debian machine, test it and take it down (root)
	@exec $(BIN)/python -m deploy.rehearsal

lint: $(VENV)/dev.stamp ## check style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/dev.stamp ## check the types strictly
	@$(BIN)/mypy --strict

contracts: $(VENV)/dev.stamp ## check who may import whom
	@$(BIN)/lint-imports

faults: $(VENV)/dev.stamp ## break everything by the dice for some minutes, then check every book (SEED= does a run again, SHORT=1)
	@exec $(BIN)/python -m tests.faults.nemesis $(if $(SEED),--seed $(SEED)) $(if $(SHORT),--short)

bench: $(VENV)/dev.stamp ## measure the budgets as ratios within one run
	@exec $(BIN)/python -m benchmarks

lock: ## resolve the dependencies anew (needs uv)
	@$(UV) pip compile $(COMPILE) --extra embedded --extra editable --extra pages pyproject.toml -o requirements.lock
	@$(UV) pip compile $(COMPILE) -c requirements.lock pyproject.toml -o requirements-server.lock
	@$(UV) pip compile $(COMPILE) --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and the caches; the data in .serumpun/ stays
	@rm -rf $(VENV) web/node_modules web/dist web/dist.new web/src/generated screenshots .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find services shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE := --quiet --universal --generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --no-annotate --no-header

# pip is the last thing that venv writes, so its presence says that the environment is whole.
$(BIN)/pip:
	@$(or $(PYTHON),false) -c '$(SUITABLE)' >/dev/null 2>&1 || { echo "serumpun needs Python 3.11 or newer with venv; install it (Debian, Ubuntu: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/pip
	$(call install,requirements.lock)

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/pip
	$(call install,requirements-dev.lock)
	@touch $(VENV)/runtime.stamp

# The build backend comes from the lock too, hence no isolation. A pipe hides the outcome, so the stamp tells it.
define install
@rm -f $@ && echo "installing $$(grep -c == $(1)) packages from $(1) (once)"
@{ $(PIP_INSTALL) --require-hashes -r $(1) && $(PIP_INSTALL) --quiet --no-deps --no-build-isolation -e . && touch $@; } \
	| sed -n 's/^Collecting \([^ ]*\).*/  \1/p'
@test -f $@ || { echo "the packages could not be installed: see the lines above, then run make again" >&2; exit 1; }
endef
