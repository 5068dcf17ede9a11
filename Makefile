# Everything that is done to this project by command. Needs make, git and Python 3.11 or later with venv; each target
# first makes .venv where it is missing or older than what it is made from. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first of these that is Python 3.11 or later with venv and pip. Another one: make PYTHON=/path/to/python3 test
PYTHON ?=
PYTHONS := $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14
FIND_PYTHON := for python in $(PYTHONS); do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done

BIN := .venv/bin
PIP := PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
CHECKED := engine tests benchmarks tools $(PLUGINS)
empty :=
space := $(empty) $(empty)

# Where real inputs of the soak runs lie, for instance: make soak QUANTCUP=path/to/feed
export QUANTCUP

.PHONY: help demo test check bench soak fuzz docs wheels clean

help: ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 12

demo: .venv/kernels .venv/sample ## a venue and its members play half an hour of real order flow; the venue is killed, nothing is lost
	@$(BIN)/outcry demo

test: .venv/kernels .venv/sample ## run every test but the soak runs (under 15 minutes)
	@echo "Running the tests (tests/, and those of each plugin)."
	@$(BIN)/pytest

check: .venv/kernels ## formatting, lint, types, documentation, layers
	@echo "Checking the formatting and the lint rules (ruff)."
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@echo "Checking the types (mypy --strict)."
	@MYPYPATH=$(subst $(space),:,$(PLUGINS)) $(BIN)/mypy --strict $(CHECKED)
	@echo "Checking the documentation pages."
	@$(BIN)/python tools/check_docs.py
	@echo "Checking the layers and the repository."
	@$(BIN)/pytest -q tests/architecture

bench: .venv/kernels .venv/bench ## measure the books, also against other engines; results go to benchmarks/results
	@$(BIN)/python -m benchmarks.run

soak: .venv/kernels ## the long runs, by hand: 10 million random commands, QUANTCUP=DIR
	@echo "Running the long tests; this takes a while. What they measure is kept in benchmarks/results."
	@$(BIN)/pytest -m soak

fuzz: .venv/kernels ## look for bytes that break a decoder, five minutes: make fuzz SECONDS=3600
	@$(BIN)/python -m tests.fuzz.targets --seconds $(or $(SECONDS),300)

docs: .venv/ready ## write the generated pages anew and check all pages
	@echo "Writing docs/reference/benchmarks.md from benchmarks/results."
	@$(BIN)/python -m benchmarks.report
	@echo "Writing the pages of messages, hooks and settings from the types."
	@$(BIN)/outcry spec export --page --out docs/reference/messages.md
	@$(BIN)/python -m tools.hooks_page
	@$(BIN)/python -m openoutcry.node.config.page > docs/reference/configuration.md
	@$(BIN)/python tools/check_docs.py

wheels: .venv/ready ## build the engine and each plugin into dist/
	@for package in . $(PLUGINS); do \
		echo "Building the wheel of $$package into dist/."; \
		$(PIP) wheel -qq --no-deps --wheel-dir dist "./$$package" || exit 1; \
	done
	@ls dist

clean: ## remove .venv, caches and what was built
	rm -rf .venv dist build out .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. PIP_CONSTRAINT, not -c: it also pins what builds a package.
.venv/ready: pyproject.toml requirements-dev.txt constraints.txt $(wildcard plugins/*/pyproject.toml)
	@$(FIND_PYTHON); if [ -z "$$python" ]; then \
		echo "This needs Python 3.11 or later with venv, and none of these is: $(PYTHONS)."; \
		echo "Debian, Ubuntu: apt-get install python3.11-venv    Fedora: dnf install python3.11    macOS: brew install python@3.11"; \
		echo "Or name one yourself: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; \
		exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$python" --version), once: a minute or two."; \
	"$$python" -m venv .venv
	@echo "Installing the engine and its tools, as pinned in constraints.txt."
	@$(PIP) install -qq -r requirements-dev.txt || { \
		echo "The installation failed (see above). It needs a connection to a Python package index."; exit 1; }
	@touch $@

# Compiling takes half a minute, so it is done here, where it says so, and not in the first order.
.venv/kernels: .venv/ready $(wildcard engine/openoutcry/*/kernel/*.py engine/openoutcry/domain/*.py)
	@$(BIN)/python -m openoutcry.book.warm
	@$(BIN)/python -m openoutcry.marketdata.warm
	@$(BIN)/python -m openoutcry.venue.warm
	@touch $@

# Half an hour of real order flow for the demonstration and the tests: the data file inside this wheel, whose code is
# never installed.
.venv/sample: | .venv/ready
	@echo "Fetching the sample of real order flow (2.8 MB)."
	@$(PIP) download -qq --no-deps --dest .venv/sample ob-analytics || { \
		rm -rf .venv/sample; echo "It cannot be had; the demonstration will generate order flow in its place, and say so."; }

.venv/bench: .venv/ready
	@echo "Installing the engines that we are measured against. Two are compiled, which needs a C++ compiler."
	@missing=; for peer in $$($(BIN)/python tools/requirements.py bench); do \
		$(PIP) install -qq --use-pep517 "$$peer" || missing="$$missing $$peer"; \
	done; \
	if [ -z "$$missing" ]; then touch $@; else echo "Left out of the comparison (see above):$$missing"; fi
