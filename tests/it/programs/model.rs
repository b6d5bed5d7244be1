//! A model of the catalog in a page of plain code: keys with their states, claims, leases and versions of files.

use std::collections::{BTreeMap, BTreeSet};

use frostline::{ArtifactState, HotState};

/// The chunks that programs use: two of one bucket, and one of another.
pub const CHUNKS: [u32; 3] = [0, 1, 1_000];

/// A claimed key of a file artifact or of a hot directory.
pub type Claim = (bool, u32);

pub const COLD: bool = false;
pub const HOT: bool = true;

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub cold: BTreeMap<u32, ArtifactState>,
    pub hot: BTreeMap<u32, HotState>,
    /// The version of the file under a frozen key.
    pub versions: BTreeMap<u32, u8>,
    pub claims: BTreeSet<Claim>,
    /// The number of live leases, by chunk.
    pub leases: BTreeMap<u32, usize>,
}

impl Model {
    pub fn is_leased(&self, chunk: u32) -> bool {
        self.leases.get(&chunk).is_some_and(|count| *count > 0)
    }

    /// Begins an artifact and claims its key, if the state, the leases and the claims allow it. Returns whether they
    /// do.
    pub fn begin(&mut self, chunk: u32) -> bool {
        let may = match self.cold.get(&chunk) {
            None => true,
            Some(ArtifactState::Frozen) => false,
            Some(ArtifactState::Freezing | ArtifactState::Pruning) => !self.is_leased(chunk),
        };
        let may = may && self.claims.insert((COLD, chunk));
        if may {
            self.cold.insert(chunk, ArtifactState::Freezing);
        }
        may
    }

    pub fn create_hot(&mut self, chunk: u32) -> bool {
        let may =
            self.hot.get(&chunk) != Some(&HotState::Ready) && self.claims.insert((HOT, chunk));
        if may {
            self.hot.insert(chunk, HotState::Transient);
        }
        may
    }

    pub fn freeze(&mut self, chunk: u32, version: u8) {
        self.cold.insert(chunk, ArtifactState::Frozen);
        self.versions.insert(chunk, version);
    }

    pub fn demote(&mut self, chunk: u32) {
        self.cold.insert(chunk, ArtifactState::Pruning);
    }

    pub fn delete(&mut self, claim: Claim) {
        if claim.0 == HOT {
            self.hot.remove(&claim.1);
        } else {
            self.cold.remove(&claim.1);
        }
        self.claims.remove(&claim);
    }

    /// Ends the process: no handle is left, and every key keeps its value.
    pub fn restart(&mut self) {
        self.claims.clear();
        self.leases.clear();
    }

    /// Removes the interrupted artifacts and hot directories.
    pub fn recover(&mut self) {
        self.cold.retain(|_, state| *state == ArtifactState::Frozen);
        self.hot.retain(|_, state| *state == HotState::Ready);
    }
}
