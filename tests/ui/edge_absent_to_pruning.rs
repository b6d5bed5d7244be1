//! Pruning what is not there: only what was frozen is demoted.

use frostline::{ChunkId, Ledgers, Pruning};

fn prune(chunk: ChunkId) {
    Pruning::<Ledgers>::new(chunk);
}

fn main() {}
