//! A key that goes before its file leaves a file without a key.

use frostline::{Catalog, Debris, Ledgers};

fn prune(catalog: &Catalog, debris: Debris<Ledgers>) {
    catalog.commit(debris);
}

fn main() {}
