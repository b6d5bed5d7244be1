//! The parts of a key are types: they cannot be swapped.

use frostline::{ArtifactKey, ArtifactKind, ChunkId};

fn key(chunk: ChunkId, kind: ArtifactKind) -> ArtifactKey {
    ArtifactKey {
        chunk: kind,
        kind: chunk,
    }
}

fn main() {}
