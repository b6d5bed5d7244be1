//! [`Debris`]: a mark without a writer.

use std::marker::PhantomData;

use super::begin::{self, RematerializeError};
use super::unlinked::{self, UnlinkError, Unlinked};
use super::{Freezing, Held, artifact_handle};
use crate::kind::Kind;
use crate::state::ArtifactState;

/// What an interrupted freeze has left: a key at `freezing` that nobody is writing.
///
/// **Durable now:** the key, at `freezing`; any part of the files. It is never read. **A crash here
/// leaves** the same. **Next:** [`rematerialize`](Self::rematerialize) to build it again, or
/// [`unlink`](Self::unlink) and [`Catalog::commit`](crate::Catalog::commit) to remove it.
#[must_use = "debris stays until it is rematerialized, or unlinked and committed"]
pub struct Debris<K: Kind> {
    held: Held,
    kind: PhantomData<fn() -> K>,
}

artifact_handle!(Debris);

impl<K: Kind> Debris<K> {
    pub(super) const fn new(held: Held) -> Self {
        Self {
            held,
            kind: PhantomData,
        }
    }

    pub(super) fn into_held(self) -> Held {
        self.held
    }

    /// Begins the artifact again from nothing: removes what files
    /// there are, so that new ones are new inodes.
    ///
    /// # Errors
    ///
    /// [`RematerializeError`].
    pub fn rematerialize(self) -> Result<Freezing<K>, RematerializeError<Self>> {
        begin::rematerialize(self.held, ArtifactState::Freezing)
            .map(Freezing::new)
            .map_err(|failure| RematerializeError::with_handle(failure, Self::new))
    }

    /// Unlinks the files and makes their absence durable. Files that are missing are fine.
    ///
    /// # Errors
    ///
    /// [`UnlinkError`]; refused, with the handle back, while anybody holds a lease.
    pub fn unlink(self) -> Result<Unlinked<K>, UnlinkError<Self>> {
        unlinked::unlink(self.held, ArtifactState::Freezing, Self::new)
    }
}
