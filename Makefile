# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. Each makes the virtual
# environment if it is missing. Needs Python 3.11 or newer and make; PY=python3.12 or VENV=/elsewhere if yours are.
PY    ?= python3
VENV  ?= .venv
BIN   := $(VENV)/bin
ARGS  ?=
FULL  ?= --full
.DEFAULT_GOAL := help

# What runs needs no torch; the tests compare with it. It must come as its CPU build then: the other one is several GB. A folder of wheels given to pip (find-links) is handed
# on to uv, which separates several by commas; where it has no such torch for this Python, PyTorch's CPU index serves.
empty :=
comma := ,
FIND   = $(or $(UV_FIND_LINKS),$(PIP_FIND_LINKS),$(shell $(PY) -m pip config get global.find-links 2>/dev/null))
TAG    = $(shell $(PY) -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
WHEEL  = $(wildcard $(addsuffix /torch-*+cpu-$(TAG)-*,$(subst $(comma), ,$(subst file://,,$(FIND)))))
LINKS  = $(if $(strip $(FIND)),UV_FIND_LINKS="$(subst $(empty) $(empty),$(comma),$(strip $(FIND)))")
CPU    = $(if $(WHEEL),,UV_TORCH_BACKEND=$(or $(UV_TORCH_BACKEND),cpu))
UV     = $(LINKS) $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt

# One thread per worker: two processes with two BLAS threads each are far slower on two cores than with one.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help demo test coverage mutants lint bench-plant bench-twin bench-model bench-decisions bench-fleet bench-files \
	bench-ladder bench-opcua bench-page bench-sql bench-long bench-media bench-samples bench-costs bench-study bench-foreign bench-report golden paired-costs check-cases
help:
	@echo "make demo         run the main job on a virtual vessel, in a fresh folder (ARGS='--days 14')"
	@echo "make test         linters, types, import contracts and all tests (15 to 25 minutes on 2 cores)"
	@echo "make coverage     all tests, with the share of lines and branches that they run (at least 92 %)"
	@echo "make mutants      change admission, alarm levels, fold and volume rule in small ways: tests must notice (minutes)"
	@echo "make lint         linters, types and import contracts only"
	@echo "make bench-plant  how exact and how fast the simulated vessels are (minutes; FULL= is shorter)"
	@echo "make bench-twin   how well the twin holds a density, beside simpler controllers (minutes; FULL= is shorter;"
	@echo "                  ARGS='--clone Y-GS46' for a plant that other people wrote; bench-decisions: ARGS=--foreign)"
	@echo "make bench-model  how good, how sure and how dear the model is, beside others (half an hour; FULL= is shorter)"
	@echo "make bench-decisions  how good and how safe the decisions are, beside others (three quarters of an hour; FULL= is shorter)"
	@echo "make bench-fleet  what many vessels cost and teach each other (three quarters of an hour; FULL= is shorter)"
	@echo "make bench-files  how long tables take to read, beside a bare pandas read (minutes; FULL= is shorter)"
	@echo "make bench-opcua  200 kills of an OPC UA server: samples lost or doubled, memory (minutes; FULL= is shorter)"
	@echo "make bench-page   first page, updates, idle server, 20 viewers, 100,000 events (minutes; FULL= is shorter)"
	@echo "make bench-sql    how fast SQLite and PostgreSQL take the samples of a rig (minutes; FULL= is shorter)"
	@echo "make bench-long   what one more sample costs, and a resume, up to 20,000 samples (minutes; FULL= is shorter)"
	@echo "make bench-media  what another medium costs, told and not told (minutes; FULL= is shorter)"
	@echo "make bench-ladder  twins killed on days 3 to 20: density and viability with the fallback, and frozen (minutes; FULL= is shorter)"
	@echo "make bench-study  engines of studies: equal results, speed-up, overhead, kills (minutes; FULL= is shorter)"
	@echo "make bench-foreign  cultures that the model was not made for, beside other forecasters (half an hour; FULL= is shorter;"
	@echo "                  what is done is kept in build/foreign, so a stopped run goes on; ARGS='--shard 1/2' for a part)"
	@echo "make check-cases  real instrument files and cases that failed, read as a user would (minutes; FULL= is shorter)"
	@echo "make bench-samples  1,000 runs with a false sample each: found, and true ones refused (half an hour; FULL=--quick is short)"
	@echo "make bench-costs  what fits, followed vessels and decisions cost, in units of one matrix (minutes; FULL= is shorter)"
	@echo "make bench-alarms a fleet in good order and one in trouble: alarms against the plant's log (minutes; FULL=--quick is short)"
	@echo "make bench-report  whether a report fits a mail, needs nothing else and equals the record (a minute; ARGS=--full)"
	@echo "make golden       whether decisions and forecasts are, to the bit, those of the commit in golden/base.txt (a minute)"
	@echo "make paired-costs  what a fit, a forecast, a decision cost beside the commit in golden/costs_base.txt (minutes; FULL= is shorter)"

demo: $(VENV)/.run
	@$(ONE_THREAD) $(BIN)/perfusio demo $(ARGS)

# three workers on two cores: while one waits for a server or a clock, two work; to collect once beside the linters
# compiles the tests for all of them
test: $(VENV)/.test
	@$(ONE_THREAD) $(BIN)/python -m pytest --collect-only -q $(ARGS) >/dev/null 2>&1 & \
	collecting=$$!; $(MAKE) --no-print-directory lint; is_clean=$$?; wait $$collecting; exit $$is_clean
	$(ONE_THREAD) $(BIN)/python -m pytest -n 3 $(ARGS)

# slipcover is imported before pytest can rewrite its asserts, and says so; it has none
UNREWRITTEN := -W "ignore:Module already imported" -W "ignore:Unable to activate pytest branch coverage"

coverage: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -W ignore -m slipcover -m pytest -n 3 $(UNREWRITTEN) $(ARGS)
	@$(BIN)/python tests/covered.py coverage.json

mutants: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python tests/mutation/mutate.py $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

bench-plant: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_plant.py $(FULL) $(ARGS)

bench-twin: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_twin.py $(FULL) $(ARGS)

bench-model: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_model.py $(FULL) $(ARGS)

bench-decisions: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_decisions.py $(FULL) $(ARGS)

bench-fleet: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_fleet.py $(FULL) $(ARGS)

bench-files: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_files.py $(FULL) $(ARGS)

bench-opcua: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_opcua.py $(FULL) $(ARGS)

bench-page: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_page.py $(FULL) $(ARGS)

bench-sql: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_sql.py $(FULL) $(ARGS)

bench-long: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_long.py $(FULL) $(ARGS)

bench-media: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_media.py $(FULL) $(ARGS)

bench-ladder: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_ladder.py $(FULL) $(ARGS)

bench-study: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_study.py $(FULL) $(ARGS)

bench-foreign: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_foreign.py $(FULL) $(ARGS)

bench-alarms: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/perfusio selftest $(FULL) --only T20 $(ARGS)

bench-samples: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/perfusio selftest $(FULL) --only T19 $(ARGS)

bench-costs: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_costs.py $(FULL) $(ARGS)

bench-report: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/bench_report.py $(ARGS)

golden: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/golden/golden.py $(ARGS)

paired-costs: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python benchmarks/golden/paired_costs.py $(FULL) $(ARGS)

$(BIN)/uv:
	$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PY=python3.11")'
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt uv

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/uv
	$(UV) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(CPU) $(UV) -e '.[test]'
	@touch $@

check-cases: $(VENV)/.run
	$(ONE_THREAD) $(BIN)/python benchmarks/check_cases.py $(FULL) $(ARGS)
