//! [`Freezing`]: the key is marked and the files may be written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use super::unlinked::{AbandonError, remove_for_good};
use super::{Frozen, Held, Synced, group};
use crate::durable::{Pending, Way};
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, Refused};
use crate::fs::NewFile;
use crate::key::ArtifactKey;
use crate::kind::{FileName, Kind};
use crate::state::ArtifactState;
use crate::transition::{self, CommitError};

/// An artifact that is being written.
///
/// **Durable now:** the key, at `freezing`; nothing of the files. **A crash here leaves** the key and
/// any part of the files: [`Debris`](crate::Debris), which is rebuilt or removed, never read.
/// **Next:** [`file`](Self::file) and write every file of the kind, then [`sync`](Self::sync) and
/// [`Catalog::commit`](crate::Catalog::commit), or [`freeze`](Self::freeze) for both; or
/// [`abandon`](Self::abandon). Dropping it leaves what a power cut there can
/// leave.
#[must_use = "dropping it leaves the key at `freezing`, as a power cut would: write its files, then `sync` or `freeze` it"]
pub struct Freezing<K: Kind> {
    pub(super) draft: Draft,
    kind: PhantomData<fn() -> K>,
}

/// The files of an artifact that is being written, whatever its kind.
pub struct Draft {
    pub(super) held: Held,
    way: Option<Way>,
    /// By their place in the list of the kind's files.
    files: BTreeMap<usize, NewFile>,
}

impl<K: Kind> Freezing<K> {
    pub(super) const fn new(draft: Draft) -> Self {
        Self {
            draft,
            kind: PhantomData,
        }
    }

    /// The artifact's chunk.
    #[must_use]
    pub fn chunk(&self) -> crate::geometry::ChunkId {
        self.draft.held.key.chunk
    }

    /// The artifact's key.
    #[must_use]
    pub fn key(&self) -> ArtifactKey {
        self.draft.held.key
    }

    /// One of the artifact's files, to append to. The first call creates it, a later one goes on
    /// where the last one ended.
    ///
    /// # Errors
    ///
    /// [`FileError`] if the file or its directories cannot be created; the handle can be used on.
    pub fn file(&mut self, file: FileName<K>) -> Result<ArtifactFile<'_>, FileError> {
        self.draft.file(file.position(), file.suffix())
    }

    /// Makes the files durable: fsyncs each through the descriptor that wrote it, then their
    /// directory, then every directory above that this process has not yet made durable. To do so for
    /// many artifacts at the price of a few, see [`SyncGroup`](crate::SyncGroup).
    ///
    /// # Errors
    ///
    /// [`SyncError`]. A failed fsync consumes the handle: it cannot be tried again.
    pub fn sync(self) -> Result<Synced<K>, SyncError<Self>> {
        group::sync_one(self)
    }

    /// [`sync`](Self::sync) and the commit of this one artifact.
    ///
    /// # Errors
    ///
    /// [`FreezeError`].
    pub fn freeze(self) -> Result<Frozen<K>, FreezeError<K>> {
        let synced = self.sync().map_err(FreezeError::Sync)?;
        let core = std::sync::Arc::clone(synced.core());
        transition::commit(&core, synced).map_err(FreezeError::Commit)
    }

    /// Gives up on the artifact: unlinks its files durably and deletes the key.
    ///
    /// # Errors
    ///
    /// [`AbandonError`]. The key stays at `freezing`; after a fatal failure it may be gone.
    pub fn abandon(self) -> Result<(), AbandonError<Self>> {
        if let Err(poisoned) = self.draft.held.core.poison.check() {
            return Err(AbandonError::Refused(Refused::new(self, poisoned)));
        }
        let Draft { held, files, .. } = self.draft;
        drop(files);
        remove_for_good(&held, ArtifactState::Freezing)
    }
}

impl<K: Kind> std::fmt::Debug for Freezing<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.draft.held.debug("Freezing", f)
    }
}

impl Draft {
    pub(super) const fn new(held: Held) -> Self {
        Self {
            held,
            way: None,
            files: BTreeMap::new(),
        }
    }

    fn file(&mut self, position: usize, suffix: &str) -> Result<ArtifactFile<'_>, FileError> {
        self.held.core.poison.check()?;
        let place = self.held.place();
        let way = match &mut self.way {
            Some(way) => way,
            empty => empty.insert(Way::create(
                self.held.root(),
                place,
                &self.held.core.durable,
            )?),
        };
        let file = match self.files.entry(position) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(way.last().create_file(place.file_name(suffix))?),
        };
        Ok(ArtifactFile { file })
    }

    /// What must be so before the first fsync.
    pub(super) fn check(&self) -> Result<(), SyncRefusal> {
        self.held.core.poison.check()?;
        for (position, name) in self.held.place().file_names().enumerate() {
            if !self.files.contains_key(&position) {
                let directory = self.held.core.layout.artifact_directory(self.held.key);
                let path = directory.join(name);
                return Err(SyncRefusal::NotWritten { path });
            }
        }
        Ok(())
    }

    /// Writes the last bytes, and hands over what is owed a barrier.
    pub(super) fn finish<H>(self, pending: &mut Pending) -> Result<Held, SyncError<H>> {
        let Self { held, way, files } = self;
        let key = held.key;
        let failed = |source| SyncError::Rewritable { key, source };
        let mut files: Vec<_> = files.into_values().collect();
        for file in &mut files {
            if file.has_failed() {
                let path = file.path().to_path_buf();
                return Err(SyncError::WriteFailed { path });
            }
            file.finish().map_err(failed)?;
        }
        pending.add(held.place(), way, files);
        Ok(held)
    }
}

/// A file of an artifact that is being written.
///
/// Appends only. Small writes are gathered, so it needs no `BufWriter` around it; what has been
/// gathered is written by [`Freezing::sync`]. After a failed write the artifact cannot be frozen any
/// more: begin it again.
pub struct ArtifactFile<'a> {
    file: &'a mut NewFile,
}

impl std::fmt::Debug for ArtifactFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ArtifactFile").field(&self.path()).finish()
    }
}

impl ArtifactFile<'_> {
    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Write for ArtifactFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file
            .append(bytes)
            .map_err(|error| io::Error::new(error.source.kind(), error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file
            .flush()
            .map_err(|error| io::Error::new(error.source.kind(), error))
    }
}

/// A file of an artifact that could not be created. The handle can be used on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The file or a directory on the way to it could not be created.
    #[error(transparent)]
    Io(#[from] IoFailure),
}

impl FileError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }
}

/// Why files were not made durable, before anything was tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The handle belongs to another catalog than the group.
    #[error(
        "`{key}` is a handle of another catalog: add it to a group of the catalog that it came from"
    )]
    ForeignHandle {
        /// The handle's key.
        key: ArtifactKey,
    },
    /// A file of the kind has not been created.
    #[error(
        "`{}` has not been written: an artifact is frozen with all of its files, an empty one too",
        path.display()
    )]
    NotWritten {
        /// The missing file.
        path: PathBuf,
    },
}

/// An artifact that could not be made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, SyncRefusal>),
    /// The last bytes could not be written. The handle is gone, the key stays `freezing`.
    #[error(
        "`{key}` stays `freezing`, because its last bytes could not be written: begin it again"
    )]
    Rewritable {
        /// The key.
        key: ArtifactKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// An earlier write had failed. The handle is gone, the key stays `freezing`.
    #[error(
        "an earlier write to `{}` failed, and the key stays `freezing`: begin the artifact again",
        path.display()
    )]
    WriteFailed {
        /// The file.
        path: PathBuf,
    },
    /// An fsync failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<H> SyncError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Rewritable { .. } | Self::WriteFailed { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

/// An artifact that could not be frozen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FreezeError<K: Kind> {
    /// Its files could not be made durable.
    #[error(transparent)]
    Sync(SyncError<Freezing<K>>),
    /// Its files are durable, and the flip could not be committed.
    #[error(transparent)]
    Commit(CommitError<Synced<K>>),
}

impl<K: Kind> FreezeError<K> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Sync(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }
}
