//! File artifacts: one file per state.
//!
//! The states share [`Held`], the claim on a key with what is needed to work on its files. It has
//! no kind, so sets and sweeps use the very code of the typed handles.

mod begin;
mod claimed;
mod debris;
mod freezing;
mod frozen;
mod group;
mod lease;
mod prunable;
mod pruning;
mod synced;
mod unlinked;

pub use begin::{BeginError, FreezingSet, RematerializeError};
pub(crate) use begin::{begin, begin_all, begin_set, begin_sets};
pub use claimed::{Artifact, ClaimError};
pub(crate) use claimed::{claim, claim_any};
pub use debris::Debris;
pub use freezing::{ArtifactFile, FileError, FreezeError, Freezing, SyncError, SyncRefusal};
pub use frozen::{Demotion, Frozen};
pub use group::{SyncGroup, Syncable};
pub use lease::Lease;
pub(crate) use lease::lease;
pub use prunable::{Prunable, Sweepable};
pub use pruning::Pruning;
pub use synced::{FrozenSet, Synced, SyncedSet};
pub(crate) use unlinked::check_unlink;
pub use unlinked::{AbandonError, UnlinkError, UnlinkRefusal, Unlinked};

use std::fmt;
use std::sync::Arc;

use crate::claim::Claim;
use crate::core::{Change, Core};
use crate::durable::Ways;
use crate::error::IoFailure;
use crate::fs::Dir;
use crate::key::ArtifactKey;
use crate::layout::Place;
use crate::state::ArtifactState;

/// The claim on an artifact's key, and where to work on its files.
pub(crate) struct Held {
    pub(crate) core: Arc<Core>,
    pub(crate) claim: Claim,
    pub(crate) key: ArtifactKey,
}

impl Held {
    pub(crate) fn place(&self) -> Place {
        Place { key: self.key }
    }

    pub(crate) fn root(&self) -> &Arc<Dir> {
        self.core.roots.dir(self.place().role())
    }

    /// What a commit does to this key.
    pub(crate) fn change(
        &self,
        expected: Option<ArtifactState>,
        next: Option<ArtifactState>,
    ) -> Change {
        Change {
            key: self.key.into(),
            expected: expected.map(ArtifactState::as_str),
            next: next.map(ArtifactState::as_str),
        }
    }

    /// Unlinks whatever files there are. A barrier on their way must follow before the key may go.
    pub(crate) fn unlink_files(&self, ways: &mut Ways) -> Result<(), IoFailure> {
        let (way, complete) = ways.find(self.root(), self.place())?;
        if complete {
            for name in self.place().file_names() {
                way.last().unlink(name)?;
            }
        }
        Ok(())
    }

    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({})", self.key)
    }
}

/// What every typed handle of an artifact has in common.
macro_rules! artifact_handle {
    ($name:ident) => {
        impl<K: crate::kind::Kind> $name<K> {
            /// The artifact's chunk.
            #[must_use]
            pub fn chunk(&self) -> crate::geometry::ChunkId {
                self.held.key.chunk
            }

            /// The artifact's key.
            #[must_use]
            pub fn key(&self) -> crate::key::ArtifactKey {
                self.held.key
            }
        }

        impl<K: crate::kind::Kind> std::fmt::Debug for $name<K> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.held.debug(stringify!($name), f)
            }
        }
    };
}
pub(crate) use artifact_handle;
