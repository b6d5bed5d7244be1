//! Back from pruning: its files may be gone already.

use frostline::{Catalog, Ledgers, Pruning};

fn restore(catalog: &Catalog, pruning: Pruning<Ledgers>) {
    catalog.commit(pruning);
}

fn main() {}
