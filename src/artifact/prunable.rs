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

mod sealed {
    pub trait Sealed {}
}

/// What [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts) takes: a
/// [`Demotion`], a [`Debris`], a [`Pruning`], or a [`Prunable`] made of one of them.
///
/// Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be swept",
    label = "the sweep takes what is meant to go",
    note = "`Frozen` is swept once `.demote()` has said that it is to go; a `Freezing` is given up with `.abandon()`",
    note = "a `Demotion`, a `Debris`, a `Pruning` or a `Prunable` can be swept"
)]
pub trait Sweepable: sealed::Sealed + Into<Prunable> {}

macro_rules! sweepable {
    ($name:ident is $state:ident) => {
        impl<K: Kind> From<$name<K>> for Prunable {
            fn from(handle: $name<K>) -> Self {
                Self {
                    held: handle.into_held(),
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
