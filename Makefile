# The one entry to everything: `make pipeline` sets up, builds and runs it all; `make` lists the rest.

CARGO ?= cargo
CONFIG ?= pipeline.yaml
PYTHON ?= python3
# More arguments for the `labelproof` command, as in `make train ARGS=--force`.
ARGS ?=

STAGES := ingest preprocess split train evaluate audit report
# Features of the command, as in `make build FEATURES=labelproof-cli/remote`, which reads sources in the network.
FEATURES ?=
# Crates that link LibTorch, or depend on one that does.
WITH_TORCH := labelproof-fuzz labelproof-kernels labelproof-model labelproof-train labelproof-evaluate labelproof-torch
# Through cargo, for the environment in .cargo/config.toml.
LABELPROOF := $(CARGO) run -q --locked $(FEATURES:%=--features %) --bin labelproof --

# Where `make tools` puts cargo-deny, cargo-shear and cargo-nextest.
export PATH := $(CURDIR)/external/tools:$(PATH)

# Cargo, LibTorch and the stages use every core on their own, and one set of artifacts bears one run at a time:
# `make -j` does the same as `make`.
.NOTPARALLEL:
.DEFAULT_GOAL := help
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 600
# Options of the benchmarks: --quick, --pairs N of `bench`; --datasets bbc,trec6, --seeds N of `bench-accuracy`.
BENCH ?=
# Options of pytest for the tests of a cluster: -k sail, -m quick.
CLUSTER ?=

.PHONY: help setup tools build pipeline $(STAGES) reproduce status test test-fast test-browser test-remote test-onnx test-python test-cluster wheel test-wheel lint fuzz ci check-sample audit-benchmark audit-wild audit-scale bench bench-accuracy bench-setup bench-functions clean clean-setup

help: ## list the targets
	@awk -F ':.*## ' '/^[^\t#]+:.*## / { sub(/^.*STAGES.*$$/, "<stage>", $$1); printf "%-16s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'stages:     $(STAGES)'
	@echo 'variables:  CONFIG=$(CONFIG)  ARGS=$(ARGS)  LIBTORCH=<folder>  LIBTORCH_DEVICE=cpu|cuda  FEATURES=<feature>  KEEP_DOWNLOADS=1'

setup: ## fetch LibTorch, the sample data and the sample encoder into external/ (once)
	@scripts/setup-libtorch.sh
	@scripts/setup-sample.sh
	@scripts/setup-encoder.sh

tools: ## fetch cargo-deny, cargo-shear and cargo-nextest into external/tools (once)
	@scripts/setup-tools.sh

build: setup ## compile the `labelproof` command
	@$(CARGO) build --locked $(FEATURES:%=--features %) --bin labelproof --bin labelproof-torch

pipeline: build ## run every stage that is not up to date, and say where the report is
	@$(LABELPROOF) run --config $(CONFIG) $(ARGS)

$(STAGES): build ## run the pipeline up to that stage
	@$(LABELPROOF) run $@ --config $(CONFIG) $(ARGS)

reproduce: build ## run everything anew, and compare with pipeline.lock
	@$(LABELPROOF) reproduce --config $(CONFIG) $(ARGS)

status: build ## say which stages are stale, and why
	@$(LABELPROOF) status --config $(CONFIG) $(ARGS)

test: setup tools ## run all tests
	@if command -v cargo-nextest >/dev/null; then \
	    $(CARGO) nextest run --locked --workspace; \
	else \
	    $(CARGO) test --locked --workspace --tests; \
	fi
	@$(CARGO) test --locked --workspace --doc

test-fast: ## run the tests of the crates without LibTorch; needs no set-up
	@if command -v cargo-nextest >/dev/null; then \
	    $(CARGO) nextest run --locked --workspace $(WITH_TORCH:%=--exclude %); \
	else \
	    $(CARGO) test --locked --workspace --tests $(WITH_TORCH:%=--exclude %); \
	fi

test-browser: ## test the report's page in Chromium; needs Chromium and npm, no set-up
	@CARGO='$(CARGO)' sh scripts/browser-tests.sh

test-remote: tools ## test sources in the network against moto, fake-gcs-server and Azurite; needs Python, and npm for Azure
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' sh scripts/remote-tests.sh

test-onnx: setup tools ## test what `labelproof export` writes with ONNX Runtime; needs Python
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' sh scripts/onnx-tests.sh

test-python: ## test the Python module with pandas, polars, scikit-learn, Keras and others; needs Python
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' sh scripts/python-tests.sh

test-cluster: ## test the data stages on Spark, also where executors die, and on Sail, and predictions on Spark and Ray; needs Python and Java
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' sh scripts/cluster-tests.sh $(CLUSTER)

wheel: setup ## build Python's wheels into dist/
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' sh scripts/wheels.sh

test-wheel: wheel ## install the wheels into empty environments, and run audit, notebook and pipeline with them (fetches PyTorch)
	@PYTHON='$(PYTHON)' sh scripts/wheel-tests.sh

lint: setup tools ## check format, clippy, documentation, dependencies and shell scripts; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path tests/browser/Cargo.toml --check
	$(CARGO) clippy --locked --workspace --all-targets --features labelproof-cli/remote -- -D warnings
	$(CARGO) clippy --locked --manifest-path tests/browser/Cargo.toml --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --workspace --no-deps --quiet
	@sh scripts/check-dependencies.sh
	@if command -v shellcheck >/dev/null; then \
	    echo 'shellcheck -x scripts/*.sh benchmarks/speed/*.sh benchmarks/gpu/*.sh .ci/run' && shellcheck -x scripts/*.sh benchmarks/speed/*.sh benchmarks/gpu/*.sh .ci/run; \
	else \
	    echo 'shellcheck is not installed: shell scripts are not checked'; \
	fi

fuzz: setup ## throw mutated files at every reader of bytes from outside, FUZZ_SECONDS each
	@CARGO='$(CARGO)' sh scripts/fuzz.sh $(FUZZ_SECONDS)

ci: lint test test-onnx test-python test-remote pipeline check-sample test-browser reproduce ## what has to pass: lint, test, exported graphs, the Python module, sources in the network, the BBC sample twice from end to end, its report in a browser, the shortest tests of a cluster, a little fuzzing
	@if command -v java >/dev/null; then $(MAKE) test-cluster CLUSTER='-m quick'; \
	    else echo 'Java is not installed: the data stages are not tested on a cluster'; fi
	@$(MAKE) fuzz FUZZ_SECONDS=10

check-sample: build ## check the numbers of the BBC sample, and that a second run finds nothing to do
	@CARGO='$(CARGO)' sh scripts/check-sample.sh

audit-benchmark: build ## put faults into real runs and count how often the audit names the right one (hours; see benchmarks/audit)
	@test -n "$(FILES)" || { echo 'error: name the folder of the runs with FILES=...; benchmarks/audit/README.md says how to make them'; exit 2; }
	@binary=$$($(CARGO) build -q --locked --bin labelproof --bin labelproof-torch --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\/labelproof\)".*/\1/p') && \
	    $(PYTHON) benchmarks/audit/benchmark.py --reuse "$(FILES)" --labelproof "$$binary" --jobs 2 --output docs/audit-benchmark.md

audit-wild: build ## score the audit on cases from the wild, SCORE=<score.py>, and write the result into docs/audit-benchmark.md
	@test -n "$(SCORE)" || { echo 'error: name the scorer beside its cases with SCORE=...'; exit 2; }
	@binary=$$($(CARGO) build -q --locked --bin labelproof --bin labelproof-torch --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\/labelproof\)".*/\1/p') && \
	    $(PYTHON) benchmarks/audit/wild.py "$(SCORE)" "$$binary" --output docs/audit-benchmark.md

audit-scale: build ## measure time and memory of an audit of 1,000,000 rows x 20 classes (needs NumPy and GNU time), and write it into docs/audit-benchmark.md
	@binary=$$($(CARGO) build -q --locked --bin labelproof --bin labelproof-torch --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\/labelproof\)".*/\1/p') && \
	    $(PYTHON) benchmarks/audit/scale.py "$$binary" --output docs/audit-benchmark.md

bench-setup: setup ## make the Python environment of the peers that `make bench` compares with
	$(PYTHON) -m venv external/bench-venv
	external/bench-venv/bin/pip install --quiet --requirement benchmarks/speed/requirements.txt

bench: build ## measure speed and memory beside the peers, and write docs/benchmarks.md; BENCH=--quick takes minutes, BENCH='--only cold scale' measures some works again
	@test -x external/bench-venv/bin/python || { echo 'error: the peers are not there; run: make bench-setup'; exit 2; }
	@binary=$$($(CARGO) build -q --locked --bin labelproof --bin labelproof-torch --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\/labelproof\)".*/\1/p') && \
	    rates=$$($(CARGO) bench -q --locked --workspace --profile dev --bench rates --no-run --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1) && \
	    $(PYTHON) benchmarks/speed/benchmark.py --labelproof "$$binary" --rates "$$rates" --bbc external/data/bbc-news \
	        --encoder external/encoders/all-minilm-l6-v2 --peer-python external/bench-venv/bin/python \
	        --revision "$$(git describe --always --dirty 2>/dev/null || echo 'an unknown revision')" \
	        --output docs/benchmarks.md $(BENCH)

bench-accuracy: build ## compare test accuracies with transformers' on the data sets in DATA, for docs/training.md (hours)
	@test -n "$(DATA)" || { echo 'error: name the folder of trec6.csv, banking77.csv and ag_news_test.csv with DATA=...'; exit 2; }
	@test -x external/bench-venv/bin/python || { echo 'error: the peers are not there; run: make bench-setup'; exit 2; }
	@binary=$$($(CARGO) build -q --locked --bin labelproof --bin labelproof-torch --message-format=json \
	    | sed -n 's/.*"executable":"\([^"]*\/labelproof\)".*/\1/p') && \
	    external/bench-venv/bin/python benchmarks/accuracy/benchmark.py --labelproof "$$binary" --data "$(DATA)" \
	        --bbc external/data/bbc-news --encoder external/encoders/all-minilm-l6-v2 $(BENCH)

bench-functions: setup ## time what preprocessing does to each text, and count its instructions (needs valgrind)
	$(CARGO) bench --locked --workspace --profile dev --bench text
	@CARGO='$(CARGO)' sh benchmarks/speed/instructions.sh

clean: ## remove the artifacts of the pipeline
	find artifacts -mindepth 1 -maxdepth 1 ! -name .gitkeep -exec rm -rf {} +

clean-setup: ## remove what `make setup` fetched
	rm -rf external
