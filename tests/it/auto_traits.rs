//! The traits that every handle has, and has not.

use frostline::audit::Audit;
use frostline::config::{EarliestLedger, LogFormat, LogLevel};
use frostline::step::{
    Begin, BeginSet, Demotion, HotBegin, HotDemotion, HotSynced, HotUnlinked, Synced, SyncedSet,
    Unlinked,
};
use frostline::write::FileWriter;
use frostline::{
    Catalog, Debris, Freezing, FreezingSet, Frozen, FrozenSet, HotDebris, Lease, Ledgers,
    LockedRoots, Prunable, Pruning, Ready, Recovered, SyncGroup, Transient, Unfinished,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// A handle may go to another thread, and there is one of it: it cannot be copied or made up.
macro_rules! one_of_a_kind {
    ($($handle:ty),+ $(,)?) => {$(
        assert_impl_all!($handle: Send, Sync, Unpin, std::fmt::Debug);
        assert_not_impl_any!($handle: Clone, Copy, Default, PartialEq, std::hash::Hash);
        assert_not_impl_any!($handle: serde::Serialize, serde::de::DeserializeOwned);
    )+};
}

one_of_a_kind! {
    Begin<Ledgers>,
    BeginSet,
    Catalog,
    Debris<Ledgers>,
    Demotion<Ledgers>,
    FileWriter,
    Freezing<Ledgers>,
    FreezingSet,
    Frozen<Ledgers>,
    HotBegin,
    HotDebris,
    HotDemotion,
    HotSynced,
    HotUnlinked,
    LockedRoots,
    Prunable,
    Pruning<Ledgers>,
    Ready,
    Synced<Ledgers>,
    FrozenSet,
    SyncGroup<Freezing<Ledgers>>,
    SyncGroup<FreezingSet>,
    SyncedSet,
    Transient,
    Unlinked<Ledgers>,
}

// An error may be kept and sent: it holds no handle.
assert_impl_all!(frostline::Error: Send, Sync, std::error::Error);
assert_not_impl_any!(frostline::Error: Clone, Default);

assert_impl_all!(frostline::write::ScratchFile: Send, Sync, Unpin, std::fmt::Debug);
assert_not_impl_any!(frostline::write::ScratchFile: Clone, Default);

// A lease is a right that may be shared.
assert_impl_all!(Lease<Ledgers>: Clone, Send, Sync, std::fmt::Debug);
assert_not_impl_any!(Lease<Ledgers>: Copy, Default);

// A report is made by a finished walk and by nothing else; that it may be copied does no harm.
assert_impl_all!(Audit: Clone, Send, Sync, std::fmt::Debug, std::fmt::Display);
assert_not_impl_any!(Audit: Copy, Default, serde::de::DeserializeOwned);
assert_impl_all!(Recovered: Send, Sync, std::fmt::Debug, std::fmt::Display);
assert_not_impl_any!(Recovered: Clone, Copy);
assert_impl_all!(Unfinished: Copy, Send, Sync, std::fmt::Debug, std::fmt::Display);

// How the configuration file spells them is nobody else's format.
assert_not_impl_any!(EarliestLedger: serde::de::DeserializeOwned);
assert_not_impl_any!(LogFormat: serde::de::DeserializeOwned);
assert_not_impl_any!(LogLevel: serde::de::DeserializeOwned);

/// The assertions above are checked when this compiles; what can be checked while it runs is that a
/// handle is no larger than what it owns.
#[test]
fn handles_are_small() {
    let largest = [
        size_of::<Synced<Ledgers>>(),
        size_of::<Frozen<Ledgers>>(),
        size_of::<Pruning<Ledgers>>(),
        size_of::<Lease<Ledgers>>(),
    ];
    assert!(largest.iter().all(|size| *size <= 64), "{largest:?}");
}
