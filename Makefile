# Two commands do everything: `make run` and `make test`. `make help` lists the others.

PYTHON ?= python3
TORCH := 2.13.0
# A machine without a GPU gets torch's CPU build, never several GB of CUDA.
TORCH_BACKEND ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo auto || echo cpu)

V := .venv
PY := $(V)/bin/python
UV := $(V)/bin/uv pip install --quiet --python $(PY)
DATA ?= ../shared/data

# ONNX Runtime reports to Microsoft unless told not to; `rag/weights.py` tells it, this is for the scripts.
export ORT_DISABLE_TELEMETRY := 1

# Recipes say in words what they do.
.SILENT:

.PHONY: help run real-model install dev quick test soak check format eval gate bench lock wheel clean torch

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(V)/.ready ## install, index seeds/ and open the web chat
	$(PY) app.py

test: $(V)/.ready-dev ## install what tests need and run them all
	$(PY) -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

quick: $(V)/.ready-dev ## half a minute: the tests that need no model, browser, process, network or training
	$(PY) -m pytest --quick --hypothesis-profile=quick --allow-hosts= -q

soak: $(V)/.ready-dev ## what must not happen, tried for hours
	TRIES=soak $(PY) -m pytest tests/reliability

check: $(V)/.ready-dev ## format, lint, strict types, import contract
	$(V)/bin/ruff format --check .
	$(V)/bin/ruff check .
	$(V)/bin/mypy
	$(V)/bin/lint-imports

format: $(V)/.ready-dev ## let ruff format and mend what it can
	$(V)/bin/ruff format .
	$(V)/bin/ruff check --fix .

eval: $(V)/.ready ## answer the questions on the article, on everyday documents and of many kinds; print the report
	$(V)/bin/rag eval

gate: $(V)/.ready ## fail if an answer got worse against eval/baseline.json
	$(V)/bin/rag eval --gate

bench: $(V)/.ready-training $(V)/.ready-peer ## speed and retrieval quality, with a plain langchain script beside
	$(PY) -m eval.benchmarks all --data $(DATA)

real-model: $(V)/.ready-dev ## fetch a small chat model (1.1 GB) and ask it 30 questions through the whole way
	$(PY) -m eval.benchmarks.real_model

install: $(V)/.ready ## make .venv with everything the program needs

dev: $(V)/.ready-dev ## add what tests and checks need

$(V)/.ready: pyproject.toml requirements.lock
	echo "Installing into $(V), once ..." >&2
	test -x $(PY) || $(PYTHON) -m venv $(V)
	$(PY) -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(UV) --no-deps --require-hashes -r requirements.lock
	$(MAKE) --no-print-directory torch INTO=$(PY)
	$(UV) --no-deps --no-build-isolation -e .
	$(PY) -m compileall -q rag
	touch $@

# torch is left out of the lock files: which build is right depends on the machine. A wheel of it in a
# folder that pip is configured to look in is taken as it is, since uv does not look there by itself.
torch:
	links="$$($(PY) -m pip config get global.find-links 2>/dev/null || echo "$${PIP_FIND_LINKS:-}")"; \
	pip="$(V)/bin/uv pip install --quiet --python $(INTO)"; \
	if [ "$(TORCH_BACKEND)" != cpu ]; then $$pip --torch-backend $(TORCH_BACKEND) "torch==$(TORCH)"; \
	elif [ -n "$$links" ] && $$pip --no-deps --no-index --find-links "$$links" "torch==$(TORCH)+cpu" 2>/dev/null; then :; \
	else $$pip --no-deps --torch-backend cpu "torch==$(TORCH)"; fi

$(V)/.ready-dev: $(V)/.ready requirements-dev.lock
	echo "Installing what tests and checks need ..." >&2
	$(UV) --no-deps --require-hashes -r requirements-dev.lock
	touch $@

# The plain langchain script that `make bench` measures beside us.
$(V)/.ready-peer: $(V)/.ready eval/benchmarks/peer.lock
	test -x $(V)/peer/bin/python || $(PYTHON) -m venv $(V)/peer
	$(V)/bin/uv pip install --quiet --python $(V)/peer/bin/python --no-deps --require-hashes -r eval/benchmarks/peer.lock
	$(MAKE) --no-print-directory torch INTO=$(V)/peer/bin/python
	touch $@

$(V)/.ready-training: $(V)/.ready-dev training/requirements.lock
	$(UV) --no-deps --require-hashes -r training/requirements.lock
	touch $@

COMPILE = $(V)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	--generate-hashes --override $(V)/no-torch.txt

lock: $(V)/.ready ## resolve the lock files anew
	echo 'torch==$(TORCH); python_version < "3"' > $(V)/no-torch.txt
	$(COMPILE) pyproject.toml --group torch -o requirements.lock
	$(COMPILE) pyproject.toml --group torch --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group pyproject.toml:training -c requirements-dev.lock -o training/requirements.lock
	$(COMPILE) --group pyproject.toml:peer --group pyproject.toml:torch -o eval/benchmarks/peer.lock

wheel: $(V)/.ready-dev ## build the wheel into dist/
	$(V)/bin/uv build --wheel --quiet --out-dir dist

clean: ## remove what was installed and built
	rm -rf $(V) dist build *.egg-info index/*.sqlite* index/*.faiss index/*.tantivy index/index.lock
