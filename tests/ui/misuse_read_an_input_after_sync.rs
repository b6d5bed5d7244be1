//! An input of an index is read after the build has given up its leases.

use frostline::TxHash;
use frostline::index::IndexBuild;

fn promote(build: IndexBuild) {
    let input = build.inputs().next().unwrap();
    let promotion = build.sync();
    let file = input.open(TxHash::BIN);
}

fn main() {}
