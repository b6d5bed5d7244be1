//! A commit gives back what went in, one state further on.

use frostline::{Catalog, Events, Frozen, Ledgers};
use frostline::step::Synced;

fn freeze(catalog: &Catalog, synced: Synced<Ledgers>) -> Frozen<Events> {
    catalog.commit(synced).unwrap()
}

fn main() {}
