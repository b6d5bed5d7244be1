//! A group of artifacts that are frozen: there is nothing to make durable.

use frostline::{Catalog, Frozen, Ledgers};

fn freeze(catalog: &Catalog, frozen: Frozen<Ledgers>) {
    let mut group = catalog.sync_group();
    group.add(frozen).unwrap();
}

fn main() {}
