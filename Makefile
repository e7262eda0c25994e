# Everything is kept in .venv. What needs root asks sudo for it, and says so.

.DEFAULT_GOAL := help
.PHONY: help setup run test test-kernels fuzz check bench bench-peers soak wheel clean

READY := .venv/ready
FUZZ := .venv/fuzz
OBJECT := src/whatran/source/whatran.bpf.o

# CMD as it was typed: make itself would expand each $ in it.
override COMMAND := $(value CMD)
export COMMAND

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) $(OBJECT) ## install what is missing, fill .venv, compile the kernel program (the others imply it)
	@:

run: setup ## follow a small build and show the tree of what it ran; with CMD='make -j8' follow that
	@scripts/run.sh

test: setup ## run all tests; with ARGS='-k fork -x' as pytest takes them
	@scripts/browser.sh
	@scripts/as-root.sh .venv/bin/pytest $(ARGS)

fuzz: $(FUZZ) setup ## have atheris try what reads the bytes of others, each for T=60 seconds
	@.venv/bin/python -m fuzz $(or $(T),60)

test-kernels: setup ## run the tests of eBPF on Debian's kernels, in QEMU; with ARGS='amd64/6.12', '--help'
	@.venv/bin/python -m vmtest $(ARGS)

check: setup ## lint, formatting, types, direction of the imports
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## measure monitors side by side; with ARGS='--quick', '-o FILE.md', '--help'
	@scripts/as-root.sh .venv/bin/python -m bench $(ARGS)

bench-peers: ## install the monitors that Debian has, for make bench to compare with
	@scripts/peers.sh

soak: setup ## watch and record as much as can be executed for T=1800 seconds; with ARGS='-o docs/reliability.md' to a page
	@scripts/as-root.sh .venv/bin/python -m bench.soak $(or $(T),1800) $(ARGS)

wheel: setup ## build the wheel and the sdist into dist/
	@.venv/bin/hatchling build

clean: ## remove all that was made here
	@rm -rf .venv dist .fuzz .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .vmtest $(OBJECT)
	@find . -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml scripts/setup.sh
	@scripts/setup.sh
	@touch $@

$(FUZZ): $(READY)
	@echo "Installing atheris"
	@.venv/bin/python -m pip --quiet --disable-pip-version-check install --no-build-isolation --editable '.[fuzz]'
	@touch $@

$(OBJECT): hatch_build.py $(wildcard bpf/*) | $(READY)
	@echo "Compiling the kernel program"
	@.venv/bin/python hatch_build.py
