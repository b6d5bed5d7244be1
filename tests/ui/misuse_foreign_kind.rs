//! The sweep could not name the files of a foreign kind.

use frostline::{Catalog, ChunkId};

enum Blobs {}

fn begin(catalog: &Catalog, chunk: ChunkId) {
    catalog.begin::<Blobs>(chunk);
}

fn main() {}
