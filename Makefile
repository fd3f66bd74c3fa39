# Two commands show it: `make demo` and `make test`. Neither needs root, Docker, Node or a database server.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
N ?= 300

.PHONY: help setup demo test check lint lock bench bench-backups bench-migrations bench-rollbacks check-changes check-faults bench-canary bench-logs bench-onset bench-signals bench-triage twin-check drill drill-errors campaign-kill docs clean

help:  ## show the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## set everything up in .venv

$(VENV)/.ready: requirements.lock requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Drillbook needs Python 3.11 or newer, and found none. Install one, or name it: make setup PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module does not work here. On Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## real migrations through the Database Migration runbook: one succeeds, one is stopped, one is taken back
	@$(BIN)/drillbook demo

test: setup  ## run all tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

check: lint test  ## tests and all static checks

lint: setup  ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd src/drillbook/range/source && $(abspath $(BIN))/mypy --config-file pyproject.toml --cache-dir $(abspath .mypy_cache)
	@$(BIN)/lint-imports

lock: setup  ## pin the dependencies again, with hashes
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra range pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra range --group dev --constraint requirements.lock pyproject.toml requirements-build.in -o requirements-dev.lock
	@grep -A20 '^uv==' requirements-dev.lock | awk 'NR==1 || /^ +--hash/ {print; next} {exit}' > requirements-uv.lock

bench: setup  ## measure engine, commands, journal, backups and copies; writes build/bench.json
	@$(BIN)/python -m benchmarks.bench

bench-migrations: setup  ## hold rehearsals against what really happened; writes build/bench-migrations.json
	@$(BIN)/python -m benchmarks.bench_migrations
	@$(BIN)/python -m benchmarks.bench_apply

bench-backups: setup  ## harm backups in twelve ways, restore under load; writes build/bench-backups.json
	@$(BIN)/python -m benchmarks.bench_backups

check-changes: setup  ## put each change onto the practice app, serve it, and see that it does what it says
	@$(BIN)/python -m benchmarks.check_changes

check-faults: setup  ## break every thing the range can break: someone suffers, and after the mend nobody; writes build/check-faults.json
	@$(BIN)/python -m benchmarks.check_faults

bench-canary: setup  ## deployment.watch on simulated deployments beside Kayenta, Flagger and > 5 %; writes build/bench-canary.json
	@$(BIN)/python -m benchmarks.bench_canary

bench-signals: setup  ## count false alarms of errors.raised over simulated hours, and time how soon it notices
	@$(BIN)/python -m benchmarks.bench_signals

bench-triage: setup  ## time the reads of a triage over 24,000 logged requests beside 6 busy processes
	@$(BIN)/python -m benchmarks.bench_triage

bench-onset: setup  ## date 400 simulated incidents, and say which deployment did it, if one did; writes build/bench-onset.json
	@$(BIN)/python -m benchmarks.bench_onset

bench-logs: setup  ## group labelled logs of many kinds beside drain3, read a million lines; writes build/bench-logs.json
	@$(BIN)/python -m benchmarks.bench_logs

twin-check: setup  ## let the platforms' official clients work on the range's twins (needs npm)
	@$(BIN)/python -m benchmarks.twin_check

bench-rollbacks: setup  ## plant unsafe and safe rollbacks, and ask for the way back; writes build/bench-rollbacks.json
	@$(BIN)/python -m benchmarks.bench_rollbacks

drill: setup  ## play every fault of a deployment, and judge what was done; writes build/drill-deployment.json
	@$(BIN)/drillbook drill deployment --output build/drill-deployment.json

drill-errors: setup  ## break everything that can break, 3 seeds, and what only looks so; writes build/drill-errors.json
	@$(BIN)/drillbook drill errors --seeds 3 --side-by-side 3 --output build/drill-errors.json

campaign-kill: setup  ## kill -9 at random moments of N runs (N=300) and 30 deployments; writes build/campaign-kill.json
	@$(BIN)/python -m benchmarks.campaign_kill --runs $(N)

docs: setup  ## write the generated pages again
	@$(BIN)/python -m benchmarks.reference

clean:  ## remove what was built and set up
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
