//! A commit gives back what went in, one state further on.

use frostline::{Catalog, Events, Frozen, Ledgers, Synced};

fn freeze(catalog: &Catalog, synced: Synced<Ledgers>) -> Frozen<Events> {
    catalog.commit(synced).unwrap()
}

fn main() {}
