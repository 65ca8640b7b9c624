# The commands a newcomer needs: demo, test, bench, up, fmt. Each installs what it misses (.ci/setup).
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
export AWS_EC2_METADATA_DISABLED := true

.PHONY: demo test test-fast test-scenarios test-clients bench up fmt lint setup

# The main job, end to end, told on the terminal.
demo: setup
	cargo build --release --bin sse-sim
	./target/release/sse-sim scenario run ebs-attach

# Everything. Fast tests first, so that a mistake shows early.
test: setup lint test-fast test-scenarios test-clients

test-fast:
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --no-fail-fast; else cargo test --workspace --no-fail-fast; fi

test-scenarios: target/debug/sse-sim
	./target/debug/sse-sim scenario lint
	./target/debug/sse-sim scenario test

test-clients: target/debug/sse-sim
	.venv/bin/python -m pytest -q tests/boto3 tests/cli

.PHONY: target/debug/sse-sim
target/debug/sse-sim:
	cargo build --bin sse-sim

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

bench: setup
	cargo build --release --bin sse-sim
	cargo run --release -p benches

up: setup
	cargo build --release --bin sse-sim
	./target/release/sse-sim up

fmt:
	cargo fmt --all

setup:
	@.ci/setup
