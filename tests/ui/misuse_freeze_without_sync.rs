//! The flip before the fsync: a crash would leave a key that reads `frozen` and half a file.

use frostline::{Catalog, Freezing, Ledgers};

fn freeze(catalog: &Catalog, freezing: Freezing<Ledgers>) {
    catalog.commit(freezing);
}

fn main() {}
