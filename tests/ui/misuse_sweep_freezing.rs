//! The sweep must not hit a writer.

use frostline::{Catalog, Freezing, Ledgers};

fn sweep(catalog: &Catalog, freezing: Freezing<Ledgers>) {
    catalog.sweep_chunk_artifacts([freezing]);
}

fn main() {}
