//! The set of kinds is closed.

use frostline::{ArtifactKind, Kind};

#[derive(Debug)]
enum Blobs {}

impl Kind for Blobs {
    const KIND: ArtifactKind = ArtifactKind::Ledgers;
}

fn main() {}
