//! Crash-safe artifact lifecycles encoded as types.
//!
//! frostline is the storage foundation of a full-history ledger node. It knows the chunk of each ledger, and the
//! files and directories of each chunk. It records their states in a small catalog under a strict write order. It has
//! no threads and no daemon; the layers above compose it through typed handles.
//!
//! Two invariants hold at every instant, also after power loss:
//!
//! - **every file has its key**: no artifact file exists without its catalog key;
//! - **key absent, file gone**: once a key is deleted, its file can never come back.
//!
//! Readers rely on three more. A `frozen` artifact is complete on stable storage. A `ready` hot directory is there.
//! The keys of one commit change together or not at all.
//!
//! # Start here
//!
//! 1. [`StorageRoots`]: the five root directories, by default below one data directory. A [`Config`] file names them.
//! 2. [`LockedRoots`]: the roots, locked for this process.
//! 3. [`Catalog`]: the record of all states. Call [`Catalog::recover`] after opening.
//! 4. [`ChunkId`] and the kinds [`Ledgers`], [`Events`] and [`TxHash`] name an artifact.
//! 5. [`Freezing`]: an artifact that is being written.
//! 6. [`Frozen`]: a complete artifact; a [`Lease`] reads it.
//! 7. [`Pruning`]: an artifact that is being removed.
//! 8. [`Debris`]: the leftovers of an interrupted freeze.
//! 9. [`Transient`] and [`Ready`]: a hot directory that is being created, and one that is in use.
//! 10. [`Route`](read::Route) and [`View`](read::View): the place of a ledger, and the catalog at one instant.
//! 11. [`index`]: the indexes of transaction hashes, one for each window of 1,000 chunks.
//! 12. [`Error`]: any failure, with its [`kind`](Error::kind).
//!
//! # The idea
//!
//! Each state is a type, and only the function that did the work constructs the next one. Intents and evidence
//! alternate: [`Begin`](step::Begin) is the intent to write an artifact, [`Synced`](step::Synced) is evidence that its
//! files were fsynced. **Every change of a key is a transition, and [`Catalog::commit`] is the only call that writes
//! transitions.** Any transitions go into one batch, with one fate. Code that skips a step does not compile, and the
//! compiler's message names the missing step.
//!
//! ```text
//! a file artifact of kind K       (in brackets: a transition)
//!
//!   absent --intend--> (Begin)     --commit--> Freezing  key: freezing
//!          --sync----> (Synced)    --commit--> Frozen    key: frozen
//!          --demote--> (Demotion)  --commit--> Pruning   key: pruning
//!          --unlink--> (Unlinked)  --commit--> absent
//!
//!   after a crash:  Debris  (key: freezing)  --intend--> or --unlink-->
//!                   Pruning (key: pruning)   --intend--> or --unlink-->
//!
//! a hot directory
//!
//!   absent --intend_hot--> (HotBegin) --commit--> Transient  key: transient
//!          --sync----> (HotSynced)    --commit--> Ready      key: ready
//!          --retire--> (HotDemotion)  --commit--> HotDebris  key: transient
//!          --unlink--> (HotUnlinked)  --commit--> absent
//!
//! an index of a window
//!
//!   absent --begin_index--> IndexBuild                        key: freezing
//!          --sync---------> (Promotion) --commit--> Promoted  key: frozen
//!
//! a process
//!
//!   Config --> StorageRoots --lock--> LockedRoots --open--> Catalog
//! ```
//!
//! # One artifact, from nothing to nothing
//!
//! ```
//! use std::io::Write;
//! use frostline::{Catalog, ChunkId, DebrisPolicy, Ledgers, StorageRoots};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let data_dir = directory.path();
//! // A catalog opens under locks only.
//! let catalog = Catalog::open(StorageRoots::under(data_dir)?.lock()?)?;
//! // Finishes the work that a crash has interrupted.
//! let recovered = catalog.recover(DebrisPolicy::Report)?;
//! assert!(recovered.is_nothing());
//! let chunk = ChunkId::new(5350)?;
//!
//! // Mark, write, fsync, flip.
//! let mut freezing = catalog.begin::<Ledgers>(chunk)?;
//! freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
//! let synced = freezing.sync()?;
//! let frozen = catalog.commit(synced)?;
//!
//! // Read: while the lease is held, the file stays.
//! let lease = frozen.lease();
//! assert_eq!(lease.open(Ledgers::PACK)?.size()?, 20);
//! drop(lease);
//!
//! // Demote, unlink, fsync, delete.
//! let pruning = catalog.commit(frozen.demote())?;
//! let unlinked = pruning.unlink()?;
//! catalog.commit(unlinked)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Many at once
//!
//! - [`Catalog::begin_set`], [`Catalog::begin_all`] and [`Catalog::begin_sets`] mark many keys in one batch.
//! - A [`SyncGroup`] makes many artifacts durable with few barriers.
//! - [`Catalog::sweep_chunk_artifacts`] removes many artifacts with one round of barriers.
//! - [`Catalog::chunk_states`] returns the states of a range of chunks, and [`Catalog::missing`] those that lack a kind.
//!
//! # The consequences of a failure
//!
//! A failure is of one of three kinds. *Refused*: nothing was changed, and a handle that went in comes back inside of
//! the error. *Retryable*: a step stopped, and every fsync and commit that it made succeeded; the
//! handle is gone, and the work starts again from the key. *Fatal*: an fsync or a commit failed, so the state on stable
//! storage is unknown; the catalog keeps the first cause and refuses everything until it is opened
//! again. An fsync is never retried, because after a failure the kernel may take lost pages for clean.
//!
//! Dropping a handle does no I/O: it leaves the same state as a power cut at that point.
//!
//! # Every step
//!
#![doc = include_str!("../docs/steps.md")]
//!
//! The design and its reasons are in [`architecture`].

mod artifact;
pub mod audit;
mod catalog;
mod domain;
mod failure;
mod fs;
mod hot;
mod protocol;
mod roots;
#[cfg(feature = "sim")]
pub mod sim;
mod store;

#[cfg(doc)]
#[doc = include_str!("../ARCHITECTURE.md")]
pub mod architecture {}

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use artifact::{
    Artifact, Debris, Freezing, FreezingSet, Frozen, FrozenSet, Lease, Prunable, Pruning, SyncGroup,
};
pub use catalog::{Catalog, DebrisPolicy, PinOutcome, Recovered, Swept};
pub use domain::{
    ArtifactKey, ArtifactKind, ArtifactSet, ArtifactState, ChunkId, Events, HotState, Key, Kind,
    LedgerSeq, Ledgers, RootRole, StorageRoots, TxHash, Unfinished,
};
pub use failure::Error;
pub use hot::{Hot, HotDebris, Ready, Transient};
pub use roots::{CatalogId, Config, LockedRoots};

/// The errors of the library: their one shape, and the parts that they are made of.
///
/// Each error is of one [`FailureKind`](error::FailureKind). The text of an error says which operation failed, on which path or key, and
/// the next step of a person. Its cause is its `source()`, and is not repeated in the text. An [`Error`] can be any of
/// them.
pub mod error {
    pub use crate::artifact::{ClaimError, FreezeError};
    pub use crate::audit::AuditError;
    pub use crate::catalog::{
        ApplyError, ApplyRefusal, InUse, OpenError, PinError, PlanError, SweepError,
    };
    pub use crate::domain::{GeometryError, KeyError, LayoutError, RootPathError, ValueError};
    pub use crate::failure::{
        AlreadyClaimed, BeginError, BeginRefusal, CommitError, CommitRefusal, CreateError, Error,
        Failed, Failure, FailureKind, Fatal, FatalCause, IoFailure, NextStep, Operation, Poisoned,
        ReadError, RecoverError, Refused, RemovalError, RemovalRefusal, Result, Retryable,
        StepError, StillLeased, StoreFailure, SyncError, SyncRefusal,
    };
    pub use crate::hot::{ClaimHotError, DirectoryMissing};
    pub use crate::roots::config::ConfigError;
    pub use crate::roots::{IdentityProblem, LockError};
    pub use crate::store::DamageKind;
}

/// The steps between two states: intents and evidence, which a commit makes true.
pub mod step {
    pub use crate::artifact::{
        Begin, BeginSet, BegunMissing, Demotion, Sweepable, Syncable, Synced, SyncedSet, Unlinked,
    };
    pub use crate::domain::{STEPS, Step, steps_table};
    pub use crate::hot::{HotBegin, HotDemotion, HotSynced, HotUnlinked};
    pub use crate::protocol::{Evidence, Transition};
}

/// The writers of an artifact's files.
pub mod write {
    pub use crate::artifact::{ArtifactFile, FileWriter};
    pub use crate::fs::ScratchFile;
}

/// Ledgers, chunks and buckets, and their arithmetic.
pub mod geometry {
    pub use crate::domain::{
        BucketId, CHUNKS_PER_BUCKET, CHUNKS_PER_WINDOW, ChunkId, ChunkRange, Coverage,
        LEDGERS_PER_CHUNK, LedgerSeq, Watermark, WindowId,
    };
}

/// Keys and their spelling, file names, and the two-way mapping between keys and paths.
pub mod key {
    pub use crate::domain::{
        ArtifactKey, EarliestLedgerKey, EncodedKey, FileKey, FileName, HotKey, IndexKey, Key,
        LOCK_FILE, Layout, OWN_FILES, TypedKey,
    };
}

/// The retention floor: the chunks that are served, and those that may be pruned.
pub mod retention {
    pub use crate::catalog::BelowFloor;
    pub use crate::domain::{Retention, RetentionGate};
}

/// Reading: the place of a ledger, the catalog at one instant, and the rights to read.
pub mod read {
    pub use crate::artifact::Lease;
    pub use crate::catalog::{Route, View};
    pub use crate::fs::ReadFile;
    pub use crate::hot::HotLease;
}

pub mod index {
    //! Indexes of transaction hashes: one for each window of 1,000 chunks.
    //!
    //! An index is one file, which covers consecutive chunks of one window. A node builds an index again whenever more chunks
    //! of the window are frozen, and a window never has two frozen ones. The *promotion* of a new index is one commit:
    //!
    //! - the new index becomes `frozen`;
    //! - the window's frozen index, its *predecessor*, becomes `pruning`;
    //! - if the coverage is terminal, which means that it ends with the window's last chunk, the transaction hashes of the
    //!   chunks that it covers become `pruning`, because no later build of the window reads them.
    //!
    //! Predecessor and inputs follow from the coverage, and no call takes them as arguments.
    //!
    //! | handle | call | next | stable storage |
    //! |---|---|---|---|
    //! | none | [`Catalog::begin_index`](crate::Catalog::begin_index) | [`IndexBuild`] | the mark |
    //! | [`IndexBuild`] | [`sync`](IndexBuild::sync) | [`Promotion`] | the file, and every entry that leads to it |
    //! | [`Promotion`] | [`Catalog::commit`](crate::Catalog::commit) | [`Promoted`] | the whole promotion |
    //!
    //! Readers ask [`Catalog::index_of`](crate::Catalog::index_of) or [`View::index_of`](crate::read::View::index_of), which
    //! answer with an [`IndexLease`]. An index is pruned like an artifact of a chunk, by
    //! [`Catalog::sweep_chunk_artifacts`](crate::Catalog::sweep_chunk_artifacts). The sweep also removes the emptied directory
    //! of a window.

    pub use crate::artifact::index::{IndexBuild, IndexLease, Promoted, Promotion};
    pub use crate::domain::{CHUNKS_PER_WINDOW, Coverage, IndexKey, WindowId};
}

/// Surgical recovery: a plan for chunks whose content cannot be trusted, which demotes them in one batch.
///
/// [`Catalog::plan_recovery`](crate::Catalog::plan_recovery) makes a plan, and
/// [`Catalog::apply_recovery`](crate::Catalog::apply_recovery) applies it.
pub mod recovery {
    pub use crate::catalog::{RecoveryPlan, Tainted};
    pub use crate::domain::Epoch;
}

/// Iterators over the keys of a catalog.
pub mod scan {
    pub use crate::catalog::{
        ArtifactKeys, ChunkState, ChunkStates, HotKeys, IndexKeys, Missing, ReadyHotKeys,
    };
}

/// The configuration file of a node.
pub mod config {
    pub use crate::roots::config::{
        BackfillConfig, BsbConfig, Config, EarliestLedger, LogFormat, LogLevel, LoggingConfig,
        ServiceConfig, StreamingConfig,
    };
}
