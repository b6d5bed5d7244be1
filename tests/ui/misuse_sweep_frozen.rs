//! The sweep takes what is meant to go: say so with `demote`.

use frostline::{Catalog, Frozen, Ledgers};

fn sweep(catalog: &Catalog, frozen: Frozen<Ledgers>) {
    catalog.sweep_chunk_artifacts([frozen]);
}

fn main() {}
