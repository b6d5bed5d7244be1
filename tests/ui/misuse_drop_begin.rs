//! A dropped intent marks no key.

#![deny(unused_must_use)]

use frostline::{Catalog, ChunkId, Ledgers};

fn begin(catalog: &Catalog, chunk: ChunkId) {
    catalog.intend::<Ledgers>(chunk).unwrap();
}

fn main() {}
