# frostline. `make demo` and `make test` do their own set-up.

CARGO ?= cargo

.PHONY: demo test torture mutants bench setup check docs

# A small node's storage, for real. Options go in ARGS: make demo ARGS='--lake DIR'
demo: setup
	$(CARGO) run --locked --quiet --example lifecycle -- $(ARGS)

# Everything: unit, integration, compile-fail, example and documentation tests.
test: setup
	$(CARGO) test --locked

# The real store under power loss, real file systems that are made to fail (as root, on loop devices), damaged
# catalogs, random programs, and defects put back; a summary at the end. Words of cases' names go in ARGS, a seed in
# FROSTLINE_SEED: make torture ARGS='ext4 Journal'
torture: setup
	@CARGO='$(CARGO)' sh scripts/torture.sh $(ARGS)

# Changes the code in each way that cargo-mutants knows, and tells which changes no quick test notices. Takes
# hours. Needs `cargo install cargo-mutants cargo-nextest`. Options go in ARGS: make mutants ARGS='-f src/sweep.rs'
mutants: setup
	CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0 NEXTEST_PROFILE=mutants-quick \
		$(CARGO) mutants $(ARGS)

# What everything costs beside its floor: one table, in some minutes. Sections go in ARGS: make bench ARGS='group sweep'
bench: setup
	@CARGO='$(CARGO)' sh scripts/bench.sh $(ARGS)

# What is not Rust: a C++ compiler and libclang, with which RocksDB is built.
setup:
	@sh scripts/setup.sh

# Formatting and lints, warnings denied.
check: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

# The documentation, warnings denied: of the crate without its test instruments, and with them.
docs: setup
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --features sim
