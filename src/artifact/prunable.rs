//! [`Prunable`]: an artifact for the sweep, of any kind and in any state.

use std::fmt;

use super::claim::ArtifactClaim;
use super::debris::Debris;
use super::frozen::Demotion;
use super::pruning::Pruning;
use crate::domain::{ArtifactState, Key, Kind};

/// An owned artifact that is to be removed, of any kind and in any state.
///
/// Made from a [`Demotion`], a [`Debris`] or a [`Pruning`], or by
/// [`Catalog::claim_for_pruning`](crate::Catalog::claim_for_pruning) where the kind is known at run time only. A
/// [`Frozen`](crate::Frozen) is not enough: [`demote`](crate::Frozen::demote) it first. Dropping it changes nothing.
#[must_use = "nothing is removed until `Catalog::sweep_chunk_artifacts` has taken it"]
pub struct Prunable {
    pub(crate) claim: ArtifactClaim,
    /// The key's value.
    pub(crate) found: ArtifactState,
}

impl Prunable {
    /// Of the owner of a key with this value.
    pub(crate) const fn new(claim: ArtifactClaim, found: ArtifactState) -> Self {
        Self { claim, found }
    }

    /// The artifact's key.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.claim.key()
    }

    /// The state of the key.
    #[must_use]
    pub const fn state(&self) -> ArtifactState {
        self.found
    }
}

impl fmt::Debug for Prunable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claim.debug("Prunable", f)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// The members of a batch for [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts): a
/// [`Demotion`], a [`Debris`], a [`Pruning`], or a [`Prunable`] made of one of them.
///
/// Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be swept",
    label = "the sweep takes demoted artifacts and leftovers",
    note = "`Frozen::demote` gives a `Demotion`; a `Freezing` is given up with `.abandon()`",
    note = "a `Demotion`, a `Debris`, a `Pruning` or a `Prunable` can be swept"
)]
pub trait Sweepable: sealed::Sealed + Into<Prunable> {}

macro_rules! sweepable {
    ($name:ident is $state:ident) => {
        impl<K: Kind> From<$name<K>> for Prunable {
            fn from(handle: $name<K>) -> Self {
                Self {
                    claim: handle.into_claim().any,
                    found: ArtifactState::$state,
                }
            }
        }

        impl<K: Kind> sealed::Sealed for $name<K> {}
        impl<K: Kind> Sweepable for $name<K> {}
    };
}

sweepable! { Demotion is Frozen }
sweepable! { Debris is Freezing }
sweepable! { Pruning is Pruning }

impl sealed::Sealed for Prunable {}
impl Sweepable for Prunable {}
