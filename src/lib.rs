//! Crash-safe artifact lifecycles encoded as types.

mod artifact;
mod catalog;
mod claim;
mod config;
mod core;
mod durable;
mod error;
mod fs;
mod geometry;
mod hot;
mod key;
mod kind;
mod layout;
mod lock;
mod poison;
mod retention;
mod scan;
#[cfg(feature = "sim")]
#[doc(hidden)]
pub mod sim;
mod state;
mod store;
mod sweep;
mod transition;

pub use artifact::{
    AbandonError, Artifact, ArtifactFile, BeginError, ClaimError, Debris, Demotion, FileError,
    FreezeError, Freezing, FreezingSet, Frozen, Lease, Prunable, Pruning, RematerializeError,
    SyncError, SyncRefusal, Synced, SyncedSet, UnlinkError, UnlinkRefusal, Unlinked,
};
pub use catalog::{Catalog, OpenError, Pin, PinError};
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
    ClaimHotError, CreateHotError, DirectoryMissing, DiscardError, Hot, HotDebris, Ready,
    ReadyError, ReadyRefusal, RecreateError, RemoveError, Transient,
};
pub use key::{
    ArtifactKey, EarliestLedgerKey, EncodedKey, HotKey, Key, KeyError, TypedKey, ValueError,
};
pub use kind::{ArtifactKind, ArtifactSet, Events, FileName, Kind, Ledgers, TxHash};
pub use layout::{Layout, LayoutError, RootPathError, RootRole, StorageRoots};
pub use lock::{LOCK_FILE, LockError, LockedRoots};
pub use retention::{Retention, RetentionGate};
pub use scan::{ArtifactKeys, HotKeys, ReadyHotKeys};
pub use state::{ArtifactState, HotState, STEPS, Step, steps_table};
pub use sweep::{SweepError, Swept};
pub use transition::{CommitError, Transition};
