//! `let _ =` drops at once and silences `must_use`; this lint catches it.

#![deny(let_underscore_drop)]

use frostline::{Catalog, ChunkId, Ledgers};

fn begin(catalog: &Catalog, chunk: ChunkId) {
    let _ = catalog.begin::<Ledgers>(chunk).unwrap();
}

fn main() {}
