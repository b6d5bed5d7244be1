//! Frozen from nothing: a reader would find no file.

use frostline::{ChunkId, Frozen, Ledgers};

fn freeze(chunk: ChunkId) {
    Frozen::<Ledgers>::new(chunk);
}

fn main() {}
