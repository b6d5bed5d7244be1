//! Crash-safe artifact lifecycles encoded as types.
//!
//! The storage foundations of a full-history ledger node: which ledgers are in which chunk, which
//! files and directories a chunk has, and in which state each of them is, recorded in a small catalog
//! under a strict write order. No threads and no daemon; the layers above compose it through typed
//! handles.
//!
//! Two sentences hold at every instant, also after power loss:
//!
//! - **every file has its key**: no artifact file exists without its catalog key;
//! - **key absent, file gone**: once a key is deleted, its file can never come back.
//!
//! and, since readers trust it blindly: what reads `frozen` is whole on stable storage, what reads
//! `ready` is there, and the keys of one commit change together or not at all.
//!
//! # The idea
//!
//! Each step of the protocol is a type, and the only constructor of the next step's type is the
//! function that did the work. [`Synced`] is evidence that the files were fsynced, [`Unlinked`] that
//! they are durably gone; only these two can be committed into [`Frozen`] and into nothing. Code that
//! skips a step does not compile, and the compiler's message says which step is missing.
//!
//! ```text
//!  a file artifact of kind K
//!
//!    absent ──begin──▶ Freezing ──sync──▶ Synced ──commit──▶ Frozen ──demote, commit──▶ Pruning ──unlink──▶ Unlinked ──commit──▶ absent
//!                        ▲  key: freezing   files durable      key: frozen                key: pruning        files durably gone
//!                        │
//!    after a restart: Debris  (key: freezing) ──rematerialize──▶ Freezing   or ──unlink──▶ Unlinked
//!                     Pruning (key: pruning)  ──rematerialize──▶ Freezing   or ──unlink──▶ Unlinked
//!
//!  a hot directory
//!
//!    absent ──create_hot──▶ Transient ──ready──▶ Ready ──discard──▶ HotDebris ──remove──▶ absent
//!                               ▲                                      │
//!                               └──────────────recreate────────────────┘
//!
//!  a process
//!
//!    Config ──▶ StorageRoots ──lock──▶ LockedRoots ──open──▶ Catalog
//! ```
//!
//! # One artifact, from nothing to nothing
//!
//! ```
//! use std::io::Write;
//! use frostline::{Catalog, ChunkId, Ledgers, StorageRoots};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let data_dir = directory.path();
//! // Nothing opens unlocked.
//! let catalog = Catalog::open(StorageRoots::under(data_dir)?.lock()?)?;
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
//! # The nouns
//!
//! - **Geometry**: [`LedgerSeq`], [`ChunkId`], [`BucketId`], [`Watermark`] (chunk -1 is a value of it).
//! - **Names**: [`Key`] and [`Layout`] map keys to bytes and to paths, both ways, strictly; [`Kind`]
//!   and its markers [`Ledgers`], [`Events`], [`TxHash`]; [`ArtifactSet`].
//! - **Start**: [`Config`], [`StorageRoots`], [`LockedRoots`], [`Catalog`].
//! - **Artifacts**: [`Freezing`], [`Synced`], [`Frozen`], [`Demotion`], [`Pruning`], [`Unlinked`];
//!   [`Debris`] after a restart; [`Lease`] to read; [`Prunable`] for the sweep.
//! - **Hot directories**: [`Transient`], [`Ready`], [`HotDebris`].
//! - **Many at once**: [`Catalog::begin_all`] and [`Catalog::begin_sets`] mark them, a [`SyncGroup`] makes
//!   them durable with few barriers; [`Catalog::chunk_states`] tells what a range of chunks has.
//! - **Committing**: [`Catalog::commit`] over [`Transition`]s, alone or together in one batch.
//! - **Retention**: [`RetentionGate`].
//! - **After a crash**: [`Catalog::owed`] says whether [`Catalog::recover`] has something to do, and
//!   [`Recovered`] what it did under which [`DebrisPolicy`].
//! - **Checking**: [`audit()`] compares catalog and files, also beside a running node; an [`Audit`] is
//!   a list of [`Finding`]s.
//! - **Failures**: [`FailureKind`] says what a failure has left behind; [`Refused`] gives the handle
//!   back.
//!
//! # What a failure leaves behind
//!
//! Three kinds, no more. *Refused*: nothing was touched, and a handle that went in comes back inside
//! the error. *Rewritable*: a step failed before any fsync; the handle is gone and the key still has
//! its value, so the work starts again from the key. *Fatal*: an fsync or a commit failed, so what is
//! durable is unknown; the catalog keeps the first cause and refuses everything until it is opened
//! again. An fsync is never retried: after a failure the kernel may take lost pages for clean.
//!
//! Dropping a handle does no I/O: it leaves what a power cut at that point can leave.
//!
//! # Every step
//!
#![doc = include_str!("steps.md")]
//!
//! The design, its rooms and its reasons are in [`architecture`].

mod artifact;
mod audit;
mod catalog;
mod claim;
mod config;
mod core;
mod durable;
mod error;
mod fs;
mod geometry;
mod hot;
mod identity;
mod key;
mod kind;
mod layout;
mod lock;
mod missing_step;
mod open;
mod owed;
mod pin;
mod poison;
mod recover;
mod retention;
mod scan;
mod sector;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "sim")]
mod simulated;
mod state;
mod states;
mod store;
mod sweep;
mod transition;

#[cfg(doc)]
#[doc = include_str!("../ARCHITECTURE.md")]
pub mod architecture {}

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use artifact::{
    AbandonError, Artifact, ArtifactFile, BeginError, ClaimError, Debris, Demotion, FileError,
    FreezeError, Freezing, FreezingSet, Frozen, FrozenSet, Lease, Prunable, Pruning,
    RematerializeError, Sweepable, SyncError, SyncGroup, SyncRefusal, Syncable, Synced, SyncedSet,
    UnlinkError, UnlinkRefusal, Unlinked,
};
#[cfg(feature = "sim")]
#[doc(hidden)]
pub use audit::audit_with_probe;
pub use audit::{Absence, Audit, AuditCounts, AuditError, Finding, audit};
pub use catalog::Catalog;
pub use claim::{AlreadyClaimed, StillLeased};
pub use config::{
    BackfillConfig, BsbConfig, Config, ConfigError, EarliestLedger, LogFormat, LogLevel,
    LoggingConfig, ServiceConfig, StreamingConfig,
};
pub use core::CommitRefusal;
pub use error::{
    FailureKind, Fatal, FatalCause, IoFailure, Operation, Poisoned, ReadError, Refused,
    StoreFailure,
};
pub use fs::ReadFile;
pub use geometry::{
    BucketId, CHUNKS_PER_BUCKET, ChunkId, GeometryError, LEDGERS_PER_CHUNK, LedgerSeq, Watermark,
};
pub use hot::{
    ClaimHotError, CreateHotError, DirectoryMissing, DiscardError, DiscardRefusal, Hot, HotDebris,
    HotDebrisRefusal, Ready, ReadyError, ReadyRefusal, RecreateError, RemoveError, Transient,
};
pub use identity::{CatalogId, IdentityProblem};
pub use key::{
    ArtifactKey, EarliestLedgerKey, EncodedKey, HotKey, Key, KeyError, TypedKey, ValueError,
};
pub use kind::{ArtifactKind, ArtifactSet, Events, FileName, Kind, Ledgers, TxHash};
pub use layout::{
    LOCK_FILE, Layout, LayoutError, OWN_FILES, RootPathError, RootRole, StorageRoots,
};
pub use lock::{LockError, LockedRoots};
pub use open::OpenError;
pub use owed::Owed;
pub use pin::{Pin, PinError};
pub use recover::{DebrisPolicy, RecoverError, Recovered};
pub use retention::{Retention, RetentionGate};
pub use scan::{ArtifactKeys, ChunkState, ChunkStates, HotKeys, ReadyHotKeys};
pub use state::{ArtifactState, HotState, STEPS, Step, steps_table};
pub use store::DamageKind;
pub use sweep::{SweepError, Swept};
pub use transition::{CommitError, Transition};
