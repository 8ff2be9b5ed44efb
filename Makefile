# `make demo` and `make test` set up everything they need. Builds and environments live in ~/.cache/undaunted,
# or where UNDAUNTED_CACHE says.
.PHONY: demo fleet test bench prove soak dist schema vectors reference help lab measure
PYTHON ?= python3

help:
	@echo "make demo   one policy, two languages, the same waits: a misbehaving server, both traces side by side"
	@echo "make fleet  an outage, seen by four services in two languages that share a budget and a breaker over Redis; about 30 s"
	@echo "make test   everything; make test STEPS='rust python' runs some"
	@echo "make bench  beside other retry packages of Python, JavaScript and Rust, in one run"
	@echo "make prove  for hours: mutants of the heart, 1 000 000 cases on all hosts, fuzzing, fleets; make prove MINUTES=30 bounds it"
	@echo "make lab    downloads over a network that loses real packets, ours and others, as root on Linux; make lab FULL=1 takes an hour"
	@echo "make measure  a fleet of 100 processes in an outage, with shared budgets, local ones and none"
	@echo "make soak   both packages in use for half an hour while faults change; make soak MINUTES=3 bounds it"
	@echo "make dist   wheel, sdist, npm tarball, crate and undaunted.wasm into dist/"

demo:
	@echo "Setting up both packages; the first time that takes a minute or two."
	@$(PYTHON) tests/setup.py js python
	@$(PYTHON) tests/setup.py --python examples/demo/demo.py --node-folder bindings-js

fleet:
	@command -v redis-server valkey-server > /dev/null || { echo "There is no Redis or Valkey here; install Debian's redis-server or valkey-server"; exit 1; }
	@echo "Setting up both packages and a client of Redis; the first time that takes a minute or two."
	@$(PYTHON) tests/setup.py js python drivers
	@$(PYTHON) tests/setup.py --python examples/fleet/fleet.py

test:
	@$(PYTHON) tests/run.py $(STEPS)

bench:
	@$(PYTHON) tests/setup.py js python bench
	@$(PYTHON) tests/setup.py --python tests/bench/run.py

prove:
	@$(PYTHON) tests/prove.py --minutes $(or $(MINUTES),240) $(PARTS)

lab:
	@$(PYTHON) tests/setup.py require-network js python network
	@$(PYTHON) tests/setup.py --python tests/lab/lab.py $(if $(FULL),--full)

measure:
	@$(PYTHON) tests/setup.py js python drivers servers plots
	@$(PYTHON) tests/setup.py --python tests/fleet/measure.py

soak:
	@$(PYTHON) tests/setup.py js python lossy replay
	@$(PYTHON) tests/setup.py --python tests/lab/soak/run.py --minutes $(or $(MINUTES),30)

dist:
	@$(PYTHON) tests/setup.py js python
	@$(PYTHON) tests/setup.py --python tests/packaging/dist.py

schema:
	@$(PYTHON) tests/schema.py

vectors:
	@$(PYTHON) tests/oracle/generate.py

reference:
	@$(PYTHON) tests/setup.py js python docs-packages
	@$(PYTHON) tests/setup.py --python tests/docs/reference.py
	@$(PYTHON) tests/setup.py --python tests/docs/js_reference.py
