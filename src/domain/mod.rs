//! Pure values: ledgers and chunks, kinds and keys, paths, states. No I/O and no locks.

mod chunk_range;
mod coverage;
mod epoch;
mod file_key;
mod geometry;
mod key;
mod kind;
mod layout;
mod retention;
mod roots;
mod state;
mod steps;

pub use chunk_range::ChunkRange;
pub use coverage::Coverage;
pub use epoch::Epoch;
pub use file_key::FileKey;
pub use geometry::{
    BucketId, CHUNKS_PER_BUCKET, CHUNKS_PER_WINDOW, ChunkId, GeometryError, LEDGERS_PER_CHUNK,
    LedgerSeq, Watermark, WindowId,
};
pub(crate) use key::decode_value;
pub use key::{
    EarliestLedgerKey, EncodedKey, HotKey, IndexKey, Key, KeyError, TypedKey, ValueError,
};
pub use kind::{ArtifactKey, ArtifactKind, ArtifactSet, Events, FileName, Kind, Ledgers, TxHash};
pub(crate) use layout::{
    ArtifactLocation, DirPath, IDENTITY_FILE, INDEX_DIRECTORY, INDEX_SUFFIX, LOST_AND_FOUND,
    NEW_IDENTITY_FILE, NEW_WITNESS_FILE, WITNESS_FILE, hot_name, path_from_root,
};
pub use layout::{LOCK_FILE, Layout, LayoutError, OWN_FILES};
pub use retention::{Retention, RetentionGate};
pub(crate) use roots::PerRole;
pub use roots::{RootPathError, RootRole, StorageRoots};
pub use state::{ArtifactState, HotState, Unfinished};
pub(crate) use steps::is_legal;
pub use steps::{STEPS, Step, steps_table};
