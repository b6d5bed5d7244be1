//! A plain number may be out of range: `ChunkId::new` checks.

use frostline::{Catalog, Ledgers};

fn begin(catalog: &Catalog) {
    catalog.begin::<Ledgers>(5350);
}

fn main() {}
