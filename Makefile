# Everything that can be done here; `make` lists it. CI calls these same targets.

VENV   := .venv
PYTHON := $(VENV)/bin/python
TEMP   := .cache
TORCH  := $(TEMP)/torch
DATA   ?=
WORK   ?= $(TEMP)/training
MODEL  ?= models/artifacts/chat-compact

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-matrix serve test test-kafka test-openapi services chaos check bench reload-fire evasion teach train schemas lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# The first Python that is new enough, or a line that says what is missing.
$(PYTHON):
	@for p in python3 python3.13 python3.12 python3.11; do \
	  if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$p; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Chatsieve needs Python 3.11 or newer on the PATH; none was found." >&2; exit 2; fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$found has no venv module: install the system package python3-venv (Debian, Ubuntu) and try again." >&2; exit 2; fi; \
	echo "Making $(VENV) with $$($$found --version)"; $$found -m venv $(VENV)

# Compiled where there is a compiler; without it a line says so each time, and more CPU is used.
$(VENV)/.kernel: streams/judging/kernel.pyx streams/judging/building.py requirements/kernel.txt $(if $(wildcard streams/judging/kernel.*.so),,again) | $(PYTHON)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/kernel.txt || [ -z "$$REQUIRE_KERNEL" ]
	@$(PYTHON) streams/judging/building.py
	@touch $@

.PHONY: again
again:

$(VENV)/.run: requirements/embedded.txt | $(PYTHON) $(VENV)/.kernel
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/embedded.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(PYTHON) $(VENV)/.kernel
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/.run

setup: $(VENV)/.dev ## make .venv with everything that developing needs

demo: $(VENV)/.run ## play the example chat through a real broker, worker and store
	@$(PYTHON) -m streams demo

demo-matrix: $(VENV)/.dev $(TEMP)/synapse/.done ## two people, a raid, a Matrix homeserver, a worker and a bridge, on this machine
	@$(PYTHON) -m examples.demo_matrix

serve: $(VENV)/.run ## a worker on the in-package broker and store
	@$(PYTHON) -m streams serve --embedded

test: $(VENV)/.dev ## all tests that need no more than the in-package parts
	@$(PYTHON) -m pytest -m "not timed" --numprocesses 2 --dist loadfile
	@$(PYTHON) -m pytest -m timed

test-kafka: $(VENV)/.dev ## the contract and fault tests on Apache Kafka (needs Java and Maven)
	@$(PYTHON) -m pytest tests/kafka

$(TEMP)/schemathesis/.done: requirements/openapi.txt | $(PYTHON)
	@$(PYTHON) -m venv $(TEMP)/schemathesis
	@$(TEMP)/schemathesis/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/openapi.txt
	@touch $@

test-openapi: $(VENV)/.dev $(TEMP)/schemathesis/.done ## hold the API against its own OpenAPI document
	@$(PYTHON) -m tests.openapi $(TEMP)/schemathesis/bin/schemathesis

$(TEMP)/synapse/.done: requirements/synapse.txt | $(PYTHON)
	@$(PYTHON) -m venv $(TEMP)/synapse
	@$(TEMP)/synapse/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/synapse.txt
	@touch $@

services: $(TEMP)/synapse/.done ## fetch the servers that tests of bridges talk to: Synapse, and ngircd (on Debian, without root)
	@[ -n "$$(PATH="$$PATH:/usr/sbin" command -v ngircd)" ] || [ -x $(TEMP)/ngircd/usr/sbin/ngircd ] || { \
	  mkdir -p $(TEMP)/ngircd && cd $(TEMP)/ngircd && \
	  { apt-get download ngircd libident >/dev/null 2>&1 || { apt-get update >/dev/null && apt-get download ngircd libident >/dev/null; }; } && \
	  for deb in *.deb; do dpkg -x $$deb .; done; } || \
	  { echo "ngircd can't be fetched here: install the package ngircd" >&2; exit 1; }

chaos: $(VENV)/.dev ## the fault runs, ten times over
	@$(PYTHON) -m pytest tests/kafka -m chaos --rounds 10 -s

check: $(VENV)/.dev ## lint, types, import contracts, rule packs, the optional ones beside them too
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m streams check
	@rm -rf $(TEMP)/all-packs && mkdir -p $(TEMP)/all-packs && cp -R rules/packs/. rules/optional/. $(TEMP)/all-packs
	@$(PYTHON) -m streams check $(TEMP)/all-packs

$(TEMP)/alt-profanity-check/.done: requirements/bench.txt | $(PYTHON)
	@$(PYTHON) -m venv $(TEMP)/alt-profanity-check
	@$(TEMP)/alt-profanity-check/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

# A lean client for the API's bench; without it a slower one of ours asks.
$(TEMP)/wrk/.tried:
	@mkdir -p $(TEMP)/wrk
	@[ -n "$$(command -v wrk)" ] || { cd $(TEMP)/wrk && \
	  { apt-get download wrk libluajit-5.1-2 >/dev/null 2>&1 || { apt-get update >/dev/null && apt-get download wrk libluajit-5.1-2 >/dev/null; }; } && \
	  for deb in *.deb; do dpkg -x $$deb .; done; } || echo "wrk can't be fetched here: clients in Python take its place" >&2
	@touch $@

bench: $(VENV)/.dev $(TEMP)/alt-profanity-check/.done $(TEMP)/wrk/.tried ## measure: scan, model beside alt-profanity-check, the pump beside plain copies on Apache Kafka
	@$(PYTHON) -m tests.bench

reload-fire: $(VENV)/.dev ## change packs a thousand times under 2,000 messages a second (10 to 25 minutes)
	@$(PYTHON) -m tests.reload_fire --reloads 1000

evasion: $(VENV)/.dev ## write docs/evasion.md; DATA=folder of labelled texts for the second table
	@$(PYTHON) -m tests.evasion $(if $(DATA),--data $(DATA))

$(TORCH)/.train: requirements/train.txt | $(PYTHON)
	@$(PYTHON) -m venv $(TORCH)
	@$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/train.txt
	@touch $@

teach: $(TORCH)/.train ## embed texts with the teacher's encoder (DATA=folder WORK=folder); goes on where it stopped
	@[ -n "$(DATA)" ] || { echo "Say where the labelled texts are: make teach DATA=folder" >&2; exit 2; }
	@$(TORCH)/bin/python -m models.training teach --data $(DATA) --work $(WORK)

train: $(TORCH)/.train ## train the model from DATA after `make teach` (MODEL=folder); ends in the artifact and its card
	@[ -n "$(DATA)" ] || { echo "Say where the labelled texts are: make train DATA=folder" >&2; exit 2; }
	@$(TORCH)/bin/python -m models.training train --data $(DATA) --work $(WORK) --model $(MODEL)

schemas: $(VENV)/.run ## write the JSON Schemas from the types
	@$(PYTHON) -m streams schemas docs/schemas

lock: ## pin every dependency with its hashes (needs uv)
	@for e in "run:" "embedded:--extra embedded" "api:--extra api" "platforms:--extra platforms" "check:--extra check" \
	  "dev:--extra embedded --extra api --extra platforms --extra dev" "train:--extra train"; do \
	  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    $${e#*:} pyproject.toml -o requirements/$${e%%:*}.txt || exit 1; done
	@for e in bench:alt-profanity-check kernel:cython openapi:schemathesis synapse:matrix-synapse; do \
	  echo $${e#*:} | uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 - -o requirements/$${e%%:*}.txt || exit 1; done

clean: ## remove what was made here
	rm -rf $(VENV) $(TEMP) streams/judging/kernel.*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
