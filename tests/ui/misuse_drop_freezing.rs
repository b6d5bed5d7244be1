//! Begun and forgotten: the key would stay at `freezing`.

#![deny(unused_must_use)]

use frostline::{Catalog, ChunkId, Ledgers};

fn begin(catalog: &Catalog, chunk: ChunkId) {
    catalog.begin::<Ledgers>(chunk).unwrap();
}

fn main() {}
