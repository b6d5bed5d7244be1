//! The events of a disk: a crash can come before or after each of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

/// The number of an inode; the root directory's is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InodeId(pub(super) usize);

/// The entries of a store, spelled.
pub type Keys = BTreeMap<String, String>;

/// The edits of one batch: a key, and its new value or none.
pub type Batch = Vec<(String, Option<String>)>;

/// One change of the disk, one barrier, or one fact that the tester wants to know.
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
        /// From which byte on; none for the end.
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
    /// A failed sync of a file: what was pending can be lost for ever.
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
    /// The store has been opened, and this is what it reads from now on.
    StoreOpened(Arc<Keys>),
    /// The store was asked to commit: from here on a crash may leave the batch.
    BatchBegins(Arc<Batch>),
    /// The commit has returned: from here on a crash must leave the batch.
    BatchReturns,
    /// A step of whoever uses the disk begins.
    Step,
}

/// An event and what to call it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) event: Event,
    /// The operation and its path.
    pub(super) label: String,
    /// The step in which it happened.
    pub(super) step: Arc<str>,
    /// The batch that it is a part of, counted from 1; none outside of a store's commit.
    pub(super) batch: Option<usize>,
    /// Whether the store did it by itself, outside of a commit.
    pub(super) by_store: bool,
}

impl Event {
    /// Whether it makes something durable.
    pub(super) const fn is_barrier(&self) -> bool {
        matches!(
            self,
            Self::SyncFile { .. } | Self::SyncDirectory { .. } | Self::SyncAll
        )
    }

    /// Whether it changes what a crash may leave. The rest is for the tester.
    pub(super) const fn is_operation(&self) -> bool {
        !matches!(
            self,
            Self::StoreOpened(_) | Self::BatchBegins(_) | Self::BatchReturns | Self::Step
        )
    }

    /// Whether it changes what the store has promised.
    pub(super) const fn is_promise(&self) -> bool {
        matches!(
            self,
            Self::StoreOpened(_) | Self::BatchBegins(_) | Self::BatchReturns
        )
    }

    /// Whether it is a barrier that makes this change durable.
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
