//! Compiler messages for calls that skip a step.
//!
//! For a method that a state does not have, the compiler says "method not found". Each state therefore has hidden
//! methods for the calls that users are likely to try. Their trait bound is never satisfied, and its message names
//! the missing step. The code is written out, because the compiler shows the inside of a macro to the user.

use super::begin::Begin;
use super::debris::Debris;
use super::freezing::Freezing;
use super::frozen::{Demotion, Frozen};
use super::pruning::Pruning;
use super::synced::Synced;
use crate::domain::Kind;

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Freezing` cannot be read: its files are not complete",
    label = "a step is missing before this",
    note = "`.freeze()` gives a `Frozen`, which can be read under a lease"
)]
pub trait ReadFreezing<Never> {}

impl<K: Kind> Freezing<K> {
    #[doc(hidden)]
    pub fn lease<Never>(&self)
    where
        Self: ReadFreezing<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Freezing` cannot be demoted: it is not frozen",
    label = "a step is missing before this",
    note = "`.abandon()` removes it; once it is a `Frozen` it can be demoted"
)]
pub trait DemoteFreezing<Never> {}

impl<K: Kind> Freezing<K> {
    #[doc(hidden)]
    pub fn demote<Never>(&self)
    where
        Self: DemoteFreezing<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Freezing` cannot be unlinked: it is being written",
    label = "a step is missing before this",
    note = "`.abandon()` unlinks its files, makes that durable and deletes the key"
)]
pub trait UnlinkFreezing<Never> {}

impl<K: Kind> Freezing<K> {
    #[doc(hidden)]
    pub fn unlink<Never>(&self)
    where
        Self: UnlinkFreezing<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Synced` cannot be read: its flip is not committed",
    label = "a step is missing before this",
    note = "`Catalog::commit` gives a `Frozen`, which can be read under a lease"
)]
pub trait ReadSynced<Never> {}

impl<K: Kind> Synced<K> {
    #[doc(hidden)]
    pub fn lease<Never>(&self)
    where
        Self: ReadSynced<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Frozen` cannot be written",
    label = "a step is missing before this",
    note = "`catalog.commit(frozen.demote())` gives a `Pruning`, and `.rematerialize()` of that begins it again"
)]
pub trait WriteFrozen<Never> {}

impl<K: Kind> Frozen<K> {
    #[doc(hidden)]
    pub fn file<Never, File>(&self, _: File)
    where
        Self: WriteFrozen<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Frozen` cannot be begun again: it may have readers",
    label = "a step is missing before this",
    note = "`catalog.commit(frozen.demote())` gives a `Pruning`, which can be rematerialized"
)]
pub trait RematerializeFrozen<Never> {}

impl<K: Kind> Frozen<K> {
    #[doc(hidden)]
    pub fn rematerialize<Never>(&self)
    where
        Self: RematerializeFrozen<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Frozen` cannot be unlinked",
    label = "a step is missing before this",
    note = "`catalog.commit(frozen.demote())` gives a `Pruning`, which can be unlinked; or hand `frozen.demote()` to `Catalog::sweep_chunk_artifacts`"
)]
pub trait UnlinkFrozen<Never> {}

impl<K: Kind> Frozen<K> {
    #[doc(hidden)]
    pub fn unlink<Never>(&self)
    where
        Self: UnlinkFrozen<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Demotion` cannot be unlinked: the demotion is not committed",
    label = "a step is missing before this",
    note = "`Catalog::commit` gives a `Pruning`, which can be unlinked; or hand the demotion to `Catalog::sweep_chunk_artifacts`"
)]
pub trait UnlinkDemotion<Never> {}

impl<K: Kind> Demotion<K> {
    #[doc(hidden)]
    pub fn unlink<Never>(&self)
    where
        Self: UnlinkDemotion<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Pruning` gives out no lease",
    label = "a step is missing before this",
    note = "`.rematerialize()` begins it again; leases that are out stay good"
)]
pub trait ReadPruning<Never> {}

impl<K: Kind> Pruning<K> {
    #[doc(hidden)]
    pub fn lease<Never>(&self)
    where
        Self: ReadPruning<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Debris` cannot be read",
    label = "a step is missing before this",
    note = "`.rematerialize()` begins it again, from nothing"
)]
pub trait ReadDebris<Never> {}

impl<K: Kind> Debris<K> {
    #[doc(hidden)]
    pub fn lease<Never>(&self)
    where
        Self: ReadDebris<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Debris` cannot be frozen: its files may be incomplete",
    label = "a step is missing before this",
    note = "`.rematerialize()` begins it again, from nothing"
)]
pub trait FreezeDebris<Never> {}

impl<K: Kind> Debris<K> {
    #[doc(hidden)]
    pub fn freeze<Never>(&self)
    where
        Self: FreezeDebris<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Debris` cannot be synced: its files may be incomplete",
    label = "a step is missing before this",
    note = "`.rematerialize()` begins it again, from nothing"
)]
pub trait SyncDebris<Never> {}

impl<K: Kind> Debris<K> {
    #[doc(hidden)]
    pub fn sync<Never>(&self)
    where
        Self: SyncDebris<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Frozen` cannot be made by hand",
    label = "the steps before it are missing",
    note = "`Catalog::begin` marks the key, `.sync()` makes the files durable, and `Catalog::commit` gives the `Frozen`"
)]
pub trait FrozenByHand<Never> {}

impl<K: Kind> Frozen<K> {
    #[doc(hidden)]
    #[expect(clippy::new_ret_no_self, reason = "it cannot be called")]
    pub fn new<Never, From>(_: From)
    where
        Self: FrozenByHand<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Pruning` cannot be made by hand",
    label = "the steps before it are missing",
    note = "`Catalog::commit` of a `Frozen`'s `.demote()` gives one; `Catalog::claim` finds one after a restart"
)]
pub trait PruningByHand<Never> {}

impl<K: Kind> Pruning<K> {
    #[doc(hidden)]
    #[expect(clippy::new_ret_no_self, reason = "it cannot be called")]
    pub fn new<Never, From>(_: From)
    where
        Self: PruningByHand<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Begin` cannot be written: its key is not marked",
    label = "a step is missing before this",
    note = "`Catalog::commit` marks the key and gives a `Freezing`, whose files can be written"
)]
pub trait WriteBegin<Never> {}

impl<K: Kind> Begin<K> {
    #[doc(hidden)]
    pub fn file<Never, File>(&self, _: File)
    where
        Self: WriteBegin<Never>,
    {
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "a `Demotion` cannot be read",
    label = "this handle is for the commit",
    note = "`.cancel()` gives the `Frozen` back, which can be read under a lease"
)]
pub trait ReadDemotion<Never> {}

impl<K: Kind> Demotion<K> {
    #[doc(hidden)]
    pub fn lease<Never>(&self)
    where
        Self: ReadDemotion<Never>,
    {
    }
}
