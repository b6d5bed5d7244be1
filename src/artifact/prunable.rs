//! [`Prunable`]: what the sweep takes, whatever its kind and state.

use std::fmt;

use super::{Debris, Demotion, Held, Pruning};
use crate::key::ArtifactKey;
use crate::kind::Kind;
use crate::state::ArtifactState;

/// An owned artifact that is to go, of any kind and from any state.
///
/// Made from a [`Demotion`], a [`Debris`] or a [`Pruning`], or by
/// [`Catalog::prunable`](crate::Catalog::prunable) where the kind is known at run time only. A
/// [`Frozen`](crate::Frozen) is not enough: say [`demote`](crate::Frozen::demote). For
/// [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts); dropping it changes
/// nothing.
#[must_use = "nothing is removed until `Catalog::sweep_chunk_artifacts` has taken it"]
pub struct Prunable {
    pub(crate) held: Held,
    /// The key's value.
    pub(crate) found: ArtifactState,
}

impl Prunable {
    /// The artifact's key.
    #[must_use]
    pub const fn key(&self) -> ArtifactKey {
        self.held.key
    }

    /// What the key holds at the moment.
    #[must_use]
    pub const fn state(&self) -> ArtifactState {
        self.found
    }
}

impl fmt::Debug for Prunable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Prunable", f)
    }
}

impl<K: Kind> From<Demotion<K>> for Prunable {
    fn from(demotion: Demotion<K>) -> Self {
        Self {
            held: demotion.into_held(),
            found: ArtifactState::Frozen,
        }
    }
}

impl<K: Kind> From<Debris<K>> for Prunable {
    fn from(debris: Debris<K>) -> Self {
        Self {
            held: debris.into_held(),
            found: ArtifactState::Freezing,
        }
    }
}

impl<K: Kind> From<Pruning<K>> for Prunable {
    fn from(pruning: Pruning<K>) -> Self {
        Self {
            held: pruning.into_held(),
            found: ArtifactState::Pruning,
        }
    }
}
