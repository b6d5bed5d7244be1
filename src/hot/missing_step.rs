//! Compiler messages for calls that skip a step.
//!
//! For a method that a state does not have, the compiler says "method not found". Each state therefore has hidden
//! methods for the calls that users are likely to try. Their trait bound is never satisfied, and its message names
//! the missing step. The code is written out, because the compiler shows the inside of a macro to the user.

use super::debris::HotDebris;
use super::demotion::HotDemotion;
use super::ready::Ready;

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Ready` cannot be removed",
    label = "a step is missing before this",
    note = "`.discard(&evidence)` commits that it is to go and gives a `HotDebris`, which can be removed"
)]
pub trait RemoveReady<Never> {}

impl Ready {
    #[doc(hidden)]
    pub fn remove<Never>(&self)
    where
        Self: RemoveReady<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Ready` is not demoted without evidence: it may be the only copy of its ledgers",
    label = "the evidence is missing",
    note = "`.retire(&evidence)` takes the chunk's `Frozen<Ledgers>`, `Lease<Ledgers>`, `Synced<Ledgers>`, or a set with the ledgers in it",
    note = "`.give_up_only_copy()` takes no evidence: the ledgers are lost if they are in no other place"
)]
pub trait DemoteReady<Never> {}

impl Ready {
    #[doc(hidden)]
    pub fn demote<Never>(&self)
    where
        Self: DemoteReady<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `HotDebris` cannot be made ready: its directory may be incomplete",
    label = "a step is missing before this",
    note = "`.recreate()` makes it anew, empty; `.remove()` finishes the discard"
)]
pub trait ReadyDebris<Never> {}

impl HotDebris {
    #[doc(hidden)]
    pub fn ready<Never>(&self)
    where
        Self: ReadyDebris<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `HotDemotion` cannot be unlinked: the demotion is not committed",
    label = "a step is missing before this",
    note = "`Catalog::commit` gives a `HotDebris`, which can be unlinked"
)]
pub trait UnlinkHotDemotion<Never> {}

impl HotDemotion {
    #[doc(hidden)]
    pub fn unlink<Never>(&self)
    where
        Self: UnlinkHotDemotion<Never>,
    {
    }
}
