//! The events of a disk: a crash can come before or after each of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

/// The number of an inode; the root directory's is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InodeId(pub(super) usize);

/// The entries of a store, as text.
pub type Keys = BTreeMap<String, String>;

/// The edits of one batch: each key with its new value, or with `None` if the batch deletes the key.
pub type Batch = Vec<(String, Option<String>)>;

/// One change of the disk, one barrier, or one fact for the checker.
#[derive(Clone, Debug)]
pub(super) enum Event {
    CreateFile {
        parent: InodeId,
        name: OsString,
        inode: InodeId,
    },
    CreateDirectory {
        parent: InodeId,
        name: OsString,
        inode: InodeId,
    },
    Write {
        inode: InodeId,
        /// The offset of the first byte, or `None` to append.
        at: Option<usize>,
        bytes: Arc<[u8]>,
    },
    Cut {
        inode: InodeId,
        length: usize,
    },
    SyncFile {
        inode: InodeId,
    },
    SyncDirectory {
        inode: InodeId,
    },
    /// A failed sync of a file: its pending bytes can be lost for good.
    LoseSync {
        inode: InodeId,
    },
    SyncAll,
    Unlink {
        parent: InodeId,
        name: OsString,
    },
    RemoveDirectory {
        parent: InodeId,
        name: OsString,
    },
    Rename {
        from: InodeId,
        name: OsString,
        to: InodeId,
        new_name: OsString,
    },
    /// The store has been opened with these entries.
    StoreOpened(Arc<Keys>),
    /// The commit begins: from here on a crash image may contain the batch.
    BatchBegins(Arc<Batch>),
    /// The commit has returned: from here on every crash image must contain the batch.
    BatchReturns,
    /// A step of the disk's user begins.
    Step,
}

/// An event with its description and context.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) event: Event,
    /// The operation and its path.
    pub(super) label: String,
    /// The step in which it happened.
    pub(super) step: Arc<str>,
    /// The number of the event's batch, counted from 1, or `None` outside of a store's commit.
    pub(super) batch: Option<usize>,
    /// Whether the event is the store's own: it happened between `begin_store` and `end_of_store`.
    pub(super) by_store: bool,
}

impl Event {
    /// Returns whether the event is a barrier: it makes earlier changes durable.
    pub(super) const fn is_barrier(&self) -> bool {
        matches!(
            self,
            Self::SyncFile { .. } | Self::SyncDirectory { .. } | Self::SyncAll
        )
    }

    /// Returns whether the event changes the possible crash images. The other events are for the checker.
    pub(super) const fn is_operation(&self) -> bool {
        !matches!(
            self,
            Self::StoreOpened(_) | Self::BatchBegins(_) | Self::BatchReturns | Self::Step
        )
    }

    /// Returns whether the event changes the batches that the store has acknowledged or has in flight.
    pub(super) const fn is_promise(&self) -> bool {
        matches!(
            self,
            Self::StoreOpened(_) | Self::BatchBegins(_) | Self::BatchReturns
        )
    }

    /// Returns whether the event is a barrier that makes `change` durable.
    pub(super) fn covers(&self, change: &Self) -> bool {
        match self {
            Self::SyncAll => !change.is_barrier(),
            Self::SyncFile { inode: id } => match change {
                Self::Write { inode, .. } | Self::Cut { inode, .. } => inode == id,
                _ => false,
            },
            Self::SyncDirectory { inode: id } => match change {
                Self::CreateFile { parent, .. }
                | Self::CreateDirectory { parent, .. }
                | Self::Unlink { parent, .. }
                | Self::RemoveDirectory { parent, .. } => parent == id,
                Self::Rename { from, to, .. } => from == id || to == id,
                _ => false,
            },
            _ => false,
        }
    }
}
