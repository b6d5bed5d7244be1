//! Created and forgotten: the directory would never be ready.

#![deny(unused_must_use)]

use frostline::{Catalog, ChunkId};

fn create(catalog: &Catalog, chunk: ChunkId) {
    catalog.create_hot(chunk).unwrap();
}

fn main() {}
