//! What the compiler says to those who skip a step.
//!
//! Of a method that a state does not have, the compiler says "method not found", which helps nobody. So
//! the states have the methods that a person is likely to try, each with a bound that nothing meets and
//! that names the missing step. None of them can be called.

use crate::artifact::{Debris, Demotion, Freezing, Frozen, Pruning, Synced};
use crate::hot::{HotDebris, Ready};
use crate::kind::Kind;

// One invocation for each step, because the compiler shows the whole of it below its message.
macro_rules! missing_step {
    (
        $bound:ident: $handle:ident $(<$kind:ident>)? . $method:ident ($($argument:ident)?)
        $message:literal, $next:literal
    ) => {
        /// Met by nothing.
        #[diagnostic::on_unimplemented(message = $message, label = "a step is missing before this", note = $next)]
        pub trait $bound<Never> {}

        impl$(<$kind: Kind>)? $handle$(<$kind>)? {
            #[doc(hidden)]
            pub fn $method<Never $(, $argument)?>(&self $(, _: $argument)?)
            where
                Self: $bound<Never>,
            {
            }
        }
    };
}

missing_step! {
    ReadFreezing: Freezing<K>.lease()
    "what is being written cannot be read",
    "`.freeze()` gives a `Frozen`, which can be read under a lease"
}

missing_step! {
    DemoteFreezing: Freezing<K>.demote()
    "what is being written cannot be demoted",
    "`.abandon()` removes it; once it is a `Frozen` it can be demoted"
}

missing_step! {
    UnlinkFreezing: Freezing<K>.unlink()
    "what is being written cannot be unlinked",
    "`.abandon()` unlinks its files, makes that durable and deletes the key"
}

missing_step! {
    ReadSynced: Synced<K>.lease()
    "what has not been committed cannot be read",
    "`Catalog::commit` gives a `Frozen`, which can be read under a lease"
}

missing_step! {
    WriteFrozen: Frozen<K>.file(File)
    "what is frozen cannot be written",
    "`catalog.commit(frozen.demote())` gives a `Pruning`, and `.rematerialize()` of that begins it again"
}

missing_step! {
    RematerializeFrozen: Frozen<K>.rematerialize()
    "what is frozen cannot be begun again: somebody may be reading it",
    "`catalog.commit(frozen.demote())` gives a `Pruning`, which can be rematerialized"
}

missing_step! {
    UnlinkFrozen: Frozen<K>.unlink()
    "what is frozen cannot be unlinked",
    "`catalog.commit(frozen.demote())` gives a `Pruning`, which can be unlinked; or hand `frozen.demote()` to `Catalog::sweep_chunk_artifacts`"
}

missing_step! {
    UnlinkDemotion: Demotion<K>.unlink()
    "what has not been demoted yet cannot be unlinked: the demotion is not committed",
    "`Catalog::commit` gives a `Pruning`, which can be unlinked; or hand the demotion to `Catalog::sweep_chunk_artifacts`"
}

missing_step! {
    ReadPruning: Pruning<K>.lease()
    "what is being pruned gives out no lease",
    "`.rematerialize()` begins it again; leases that are out stay good"
}

missing_step! {
    ReadDebris: Debris<K>.lease()
    "what a crash has left cannot be read",
    "`.rematerialize()` begins it again, from nothing"
}

missing_step! {
    FreezeDebris: Debris<K>.freeze()
    "what a crash has left cannot be frozen: its files are not to be trusted",
    "`.rematerialize()` begins it again, from nothing"
}

missing_step! {
    SyncDebris: Debris<K>.sync()
    "what a crash has left cannot be synced: its files are not to be trusted",
    "`.rematerialize()` begins it again, from nothing"
}

missing_step! {
    RemoveReady: Ready.remove()
    "what is ready cannot be removed",
    "`.discard()` commits that it is to go and gives a `HotDebris`, which can be removed"
}

missing_step! {
    ReadyDebris: HotDebris.ready()
    "a directory that was being created or discarded cannot be made ready: it may be half empty",
    "`.recreate()` makes it anew, empty; `.remove()` finishes the discard"
}

// A constructor that cannot be called, for the states that a person may want to make by hand.
macro_rules! by_hand {
    ($bound:ident: $handle:ident, $message:literal, $next:literal) => {
        /// Met by nothing.
        #[diagnostic::on_unimplemented(message = $message, label = "the steps before it are missing", note = $next)]
        pub trait $bound<Never> {}

        impl<K: Kind> $handle<K> {
            #[doc(hidden)]
            #[expect(clippy::new_ret_no_self, reason = "it cannot be called")]
            pub fn new<Never, From>(_: From)
            where
                Self: $bound<Never>,
            {
            }
        }
    };
}

by_hand! {
    FrozenByHand: Frozen,
    "a `Frozen` cannot be made by hand",
    "`Catalog::begin` marks the key, `.sync()` makes the files durable, and `Catalog::commit` gives the `Frozen`"
}

by_hand! {
    PruningByHand: Pruning,
    "a `Pruning` cannot be made by hand",
    "`Catalog::commit` of a `Frozen`'s `.demote()` gives one; `Catalog::claim` finds one after a restart"
}
