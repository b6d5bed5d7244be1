# frostline. `make demo` and `make test` do their own set-up.

CARGO ?= cargo

.PHONY: demo test quick torture mutants bench setup check docs

# A small node's storage, for real. Options go in ARGS: make demo ARGS='--lake DIR'
demo: setup
	$(CARGO) run --locked --quiet --example lifecycle -- $(ARGS)

# Everything: unit, integration, compile-fail, example and documentation tests. The last line tells whether the
# compile-fail texts were skipped, because they are for another compiler.
test: setup
	$(CARGO) test --locked
	@sh scripts/compile_fail.sh

# The tests that take seconds. Words of tests' names go in ARGS: make quick ARGS='sweep::'
quick: setup
	$(CARGO) test --locked --lib --test it -- $(ARGS) \
		--skip crash:: --skip programs:: --skip damages:: --skip replay:: --skip lifecycle:: --skip examples:: \
		--skip program:: --skip resistance:: --skip may_fail --skip at_once --skip a_limit_of_open_files \
		--skip starts_on_a_full --skip a_large_sweep --skip moved_catalog --skip descriptors:: --skip store_model::

# The real store under power loss, real file systems that are made to fail (as root, on loop devices), damaged
# catalogs, random programs, every order of threads, and defects put back; a summary at the end. Words of cases' names go in ARGS, a seed in
# FROSTLINE_SEED: make torture ARGS='ext4 Journal'
torture: setup
	@CARGO='$(CARGO)' sh scripts/torture.sh $(ARGS)

# Changes the code in each way that cargo-mutants knows, and lists the changes that no quick test notices. Takes
# hours. Needs `cargo install cargo-mutants cargo-nextest`. Options go in ARGS: make mutants ARGS='-f src/catalog/sweep.rs'
mutants: setup
	CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0 NEXTEST_PROFILE=mutants-quick \
		$(CARGO) mutants $(ARGS)

# The cost of everything beside its floor: one table, in some minutes. Sections go in ARGS: make bench ARGS='group sweep'
# The files are in the target directory, or in FROSTLINE_BENCH_DIR.
bench: setup
	@CARGO='$(CARGO)' sh scripts/bench.sh $(ARGS)

# The programs that RocksDB is built with: a C++ compiler and libclang.
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
