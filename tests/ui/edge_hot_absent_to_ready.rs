//! Ready without its fsyncs: a crash would leave a key that reads `ready` and no directory.

use frostline::{Catalog, ChunkId, Ready};

fn open(catalog: &Catalog, chunk: ChunkId) -> Ready {
    catalog.create_hot(chunk).unwrap()
}

fn main() {}
