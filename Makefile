# `make demo` shows djq at work, `make test` proves that it works. Nothing but git, make and Python 3.11 is needed.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= $(shell cpus=$$(nproc 2>/dev/null || echo 2); [ $$cpus -gt 6 ] && echo $$cpus || echo 6)
ARGS    ?=
SOAK    ?= 3600

BIN        := $(VENV)/bin
READY      := $(VENV)/.ready
DEMO_VENV  := demo/.venv
DEMO_READY := $(DEMO_VENV)/.ready
BENCH_VENV := bench/.venv
BENCH_READY := $(BENCH_VENV)/.ready
PLUGINS    := $(filter-out plugins/_template,$(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)))
REPORT     := $(CURDIR)/docs/reliability.json
CURVES     := $(CURDIR)/docs/soak.json
TYPED      := djq_core tests bench plugins/_template/djq_acme $(foreach plugin,$(PLUGINS),$(plugin)/$(notdir $(plugin)))

.DELETE_ON_ERROR:
.PHONY: help demo demo-admin test lint format types layers docs messages chaos figures soak bench clean

help:            ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: $(DEMO_READY)        ## index Python's standard library through a real cluster
	@cd demo && .venv/bin/python run.py

demo-admin: $(DEMO_READY)  ## look at the demo's tasks in Django's admin
	@cd demo && .venv/bin/python admin.py

test: export PYTHONDONTWRITEBYTECODE :=  # or each process of the tests compiles all of them, and all of djq, anew
test: $(READY)   ## run all tests (ARGS="-k name" for some)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder -m "not chaos and not soak" $(ARGS)

lint: $(READY)   ## check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(READY) ## put format and style right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(READY)  ## check types
	$(BIN)/mypy $(TYPED)
	$(BIN)/mypy --config-file demo/mypy.ini demo
	cd docs/examples && $(abspath $(BIN))/mypy --config-file mypy.ini .

layers: $(READY) ## check that imports never point up
	$(BIN)/lint-imports

docs: $(READY)   ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html -d docs/_build/trees docs docs/_build/html

messages: $(READY) ## bring the catalogues up to date with the texts of the code, compile them, name what is to be translated
	$(BIN)/python -m tests.languages.catalogues

chaos: $(READY)  ## the reliability scenarios in full, into docs/reliability.json (ARGS=tests/chaos/… for some)
	DJQ_CHAOS_REPORT=$(REPORT) $(BIN)/python -m pytest -n 0 -m "chaos or security" -s --timeout 3600 $(ARGS)

soak: $(READY)   ## an hour of everything on PostgreSQL and on Redis, with its curves (SOAK=120 for two minutes)
	DJQ_CHAOS_REPORT=$(REPORT) DJQ_SOAK_SECONDS=$(SOAK) DJQ_SOAK_CURVES=$(CURVES) \
		$(BIN)/python -m pytest -n 0 -m soak -s $(ARGS) tests/chaos/test_soak.py; code=$$?; \
		$(BIN)/python -m tests.chaos.curves $(CURVES) $(CURVES:.json=.png) && exit $$code

figures: $(READY) ## make the tables and charts of docs/reliability.md and docs/benchmarks.md from their JSON
	$(BIN)/python -m tests.chaos.table
	$(BIN)/python -m bench.table
	$(BIN)/python -m bench.charts

bench: $(BENCH_READY) ## ourselves, the peers and the raw clients side by side (ARGS="drain --rounds 3" for some)
	$(BENCH_VENV)/bin/python -m bench $(ARGS)

clean:           ## remove what these commands made
	rm -rf $(VENV) $(DEMO_VENV) $(BENCH_VENV) demo/var docs/examples/var docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

$(READY): pyproject.toml requirements-dev.txt requirements-legacy.txt demo/requirements.txt .ci/venv $(PLUGINS:=/pyproject.toml)
	@PYTHON="$(PYTHON)" .ci/venv $(VENV) -r requirements-dev.txt -e . $(addprefix -e ./,$(PLUGINS))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-legacy.txt
	@touch $@

$(DEMO_READY): pyproject.toml demo/requirements.txt .ci/venv plugins/djq_orm/pyproject.toml
	@PYTHON="$(PYTHON)" .ci/venv $(DEMO_VENV) -r demo/requirements.txt -e . -e ./plugins/djq_orm
	@touch $@

$(BENCH_READY): pyproject.toml bench/requirements.txt .ci/venv plugins/djq_orm/pyproject.toml plugins/djq_redis/pyproject.toml
	@PYTHON="$(PYTHON)" .ci/venv $(BENCH_VENV) -r bench/requirements.txt -e . -e ./plugins/djq_orm -e ./plugins/djq_redis
	@touch $@
