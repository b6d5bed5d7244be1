#!/bin/sh
# Runs the benchmarks with optimisation, and with the RocksDB that the tests have built: at the same
# level, and without compiling it for a quarter of an hour again.
set -eu
cargo=${CARGO:-cargo}
built=$($cargo build --locked --quiet --message-format=json |
    sed -n 's/.*"reason":"build-script-executed","package_id":"[^"]*librocksdb-sys[^"]*".*"out_dir":"\([^"]*\)".*/\1/p' |
    tail -n 1)
if [ ! -f "$built/librocksdb.a" ]; then
    echo "bench: found no RocksDB where cargo says that it built it: '$built'" >&2
    exit 1
fi
ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR=$built exec $cargo bench --locked --bench floors -- "$@"
