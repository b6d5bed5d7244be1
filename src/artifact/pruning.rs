//! [`Pruning`]: on its way out.

use std::marker::PhantomData;

use super::begin::{self, RematerializeError};
use super::unlinked::{self, UnlinkError, Unlinked};
use super::{Freezing, Held, artifact_handle};
use crate::kind::Kind;
use crate::state::ArtifactState;

/// An artifact on its way out: no new lease is given out, and its files may go when the last has.
///
/// **Durable now:** the key, at `pruning`; any part of the files. **A crash here leaves** the same,
/// and the next start finishes it. **Next:** [`unlink`](Self::unlink) and
/// [`Catalog::commit`](crate::Catalog::commit), or [`rematerialize`](Self::rematerialize) to build it
/// again.
#[must_use = "its files and its key stay until it is unlinked and committed"]
pub struct Pruning<K: Kind> {
    held: Held,
    kind: PhantomData<fn() -> K>,
}

artifact_handle!(Pruning);

impl<K: Kind> Pruning<K> {
    pub(super) const fn from_held(held: Held) -> Self {
        Self {
            held,
            kind: PhantomData,
        }
    }

    pub(super) fn into_held(self) -> Held {
        self.held
    }

    /// Begins the artifact again from nothing: marks the key, and removes what files
    /// there are, so that new ones are new inodes.
    ///
    /// # Errors
    ///
    /// [`RematerializeError`].
    pub fn rematerialize(self) -> Result<Freezing<K>, RematerializeError<Self>> {
        begin::rematerialize(self.held, ArtifactState::Pruning)
            .map(Freezing::new)
            .map_err(|failure| RematerializeError::with_handle(failure, Self::from_held))
    }

    /// Unlinks the files and makes their absence durable. Files that are missing are fine.
    ///
    /// # Errors
    ///
    /// [`UnlinkError`]; refused, with the handle back, while anybody holds a lease.
    pub fn unlink(self) -> Result<Unlinked<K>, UnlinkError<Self>> {
        unlinked::unlink(self.held, ArtifactState::Pruning, Self::from_held)
    }
}
