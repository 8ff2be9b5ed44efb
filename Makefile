# `make demo` and `make test` set up everything they need. Builds and environments live in ~/.cache/undaunted,
# or where UNDAUNTED_CACHE says.
.PHONY: demo test bench dist schema vectors help
PYTHON ?= python3

help:
	@echo "make demo   one policy, two languages, the same waits: a misbehaving server, both traces side by side"
	@echo "make test   everything; make test STEPS='rust python' runs some"
	@echo "make bench  beside stamina, tenacity, backoff, p-retry and cockatiel, in one run"
	@echo "make dist   wheel, sdist, npm tarball, crate and undaunted.wasm into dist/"

demo:
	@echo "Setting up both packages; the first time that takes a minute or two."
	@$(PYTHON) tests/setup.py python js
	@$(PYTHON) tests/setup.py --python examples/demo/demo.py --node-folder bindings-js

test:
	@$(PYTHON) tests/run.py $(STEPS)

bench:
	@$(PYTHON) tests/setup.py python js bench
	@$(PYTHON) tests/setup.py --python tests/bench/run.py

dist:
	@$(PYTHON) tests/setup.py python js
	@$(PYTHON) tests/setup.py --python tests/packaging/dist.py

schema:
	@$(PYTHON) tests/schema.py

vectors:
	@$(PYTHON) tests/oracle/generate.py
