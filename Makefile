# frostline. `make demo` and `make test` do their own set-up.

CARGO ?= cargo

.PHONY: demo test torture bench setup check docs

# A small node's storage, for real. Options go in ARGS: make demo ARGS='--lake DIR'
demo: setup
	$(CARGO) run --locked --quiet --example lifecycle -- $(ARGS)

# Everything: unit, integration, compile-fail, example and documentation tests.
test: setup
	$(CARGO) test --locked

# The real store under power loss, real file systems that are made to fail (as root, on loop devices), damaged
# catalogs and random programs. Words of cases' names go in ARGS, seeds in FROSTLINE_SEED: make torture ARGS='ext4 Journal'
torture: setup
	$(CARGO) test --locked --test torture -- $(ARGS)
	FROSTLINE_DAMAGES=all FROSTLINE_PROGRAMS=$${FROSTLINE_PROGRAMS:-100000} \
		$(CARGO) test --locked --test it -- programs:: damages::

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
