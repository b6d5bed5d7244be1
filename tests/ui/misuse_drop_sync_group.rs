//! A group that is forgotten: its members stay at `freezing`.

#![deny(unused_must_use)]

use frostline::{Catalog, Freezing, Ledgers};

fn freeze(catalog: &Catalog) {
    catalog.sync_group::<Freezing<Ledgers>>();
}

fn main() {}
