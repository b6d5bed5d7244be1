//! There is nothing to commit on what is frozen.

use frostline::{Catalog, Frozen, Ledgers};

fn prune(catalog: &Catalog, frozen: Frozen<Ledgers>) {
    catalog.commit(frozen);
}

fn main() {}
