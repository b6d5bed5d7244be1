//! The files of an artifact that is being written, of any kind, and making them durable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::claim::ArtifactClaim;
use super::writer::{FileWriter, into_io};
use crate::failure::{
    CreateError, Fatal, IoFailure, Operation, Retryable, StepError, SyncError, SyncRefusal,
};
use crate::fs::{DirChains, NewFile};
use crate::protocol::{MadeDurable, Pending, Shared, SharedDir};

/// The files of an artifact that is being written, of any kind.
pub struct Draft {
    /// Whether an earlier attempt may have left files.
    has_leftovers: bool,
    dir: Option<Arc<SharedDir>>,
    /// By their position in the list of the kind's files. A file whose writer is out is shared with the writer.
    files: BTreeMap<usize, Arc<NewFile>>,
}

impl Draft {
    pub(crate) const fn new(has_leftovers: bool) -> Self {
        Self {
            has_leftovers,
            dir: None,
            files: BTreeMap::new(),
        }
    }

    /// Returns a file to append to, which this draft keeps.
    pub(crate) fn file(
        &mut self,
        claim: &ArtifactClaim,
        position: usize,
        suffix: &str,
    ) -> Result<ArtifactFile<'_>, CreateError> {
        let file = Arc::get_mut(self.create(claim, position, suffix)?);
        let file = file.ok_or_else(|| {
            let location = claim.location();
            let name = location.file_name(suffix);
            let path = claim.shared.roots.layout().path_of(&location, &name);
            CreateError::WriterOut { path }
        })?;
        Ok(ArtifactFile { file })
    }

    /// Returns the owned writer of a file. The file is back when the writer is dropped.
    pub(crate) fn writer(
        &mut self,
        claim: &ArtifactClaim,
        position: usize,
        suffix: &'static str,
    ) -> Result<FileWriter, CreateError> {
        let file = self.create(claim, position, suffix)?;
        if is_out(file) {
            let path = file.path().to_path_buf();
            return Err(CreateError::WriterOut { path });
        }
        Ok(FileWriter::new(claim.key(), suffix, Arc::clone(file)))
    }

    fn create(
        &mut self,
        claim: &ArtifactClaim,
        position: usize,
        suffix: &str,
    ) -> Result<&mut Arc<NewFile>, CreateError> {
        let shared = &claim.shared;
        shared.poison.check()?;
        if self.has_leftovers {
            // Before the first new file, and after the mark: writing must not touch an inode that has a reader.
            claim.unlink_files(&mut DirChains::default())?;
            self.has_leftovers = false;
        }
        let location = &claim.location();
        if self.files.is_empty() {
            // After a failure, the directory may be another one.
            self.dir = None;
        }
        let dir = match &mut self.dir {
            Some(dir) => dir,
            empty => empty.insert(shared.barriers.open_dir(claim.root(), location)?),
        };
        Ok(match self.files.entry(position) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let file = dir.dir().create_file(location.file_name(suffix))?;
                entry.insert(Arc::new(file))
            }
        })
    }

    /// Checks that every file has been created, and that no writer is out.
    fn check(&self, claim: &ArtifactClaim) -> Result<(), SyncRefusal> {
        claim.shared.poison.check()?;
        let location = claim.location();
        for (position, name) in location.file_names().enumerate() {
            let Some(file) = self.files.get(&position) else {
                let path = claim.shared.roots.layout().path_of(&location, &name);
                return Err(SyncRefusal::NotCreated { path });
            };
            if is_out(file) {
                let path = file.path().to_path_buf();
                return Err(SyncRefusal::WriterOut { path });
            }
        }
        if let Some(dir) = &self.dir {
            dir.check_current()?;
        }
        Ok(())
    }

    /// Writes the last bytes, and adds the files to those that need a barrier.
    pub(crate) fn finish(
        self,
        claim: &ArtifactClaim,
        pending: &mut Pending,
    ) -> Result<(), Retryable> {
        let key = claim.key();
        let mut files = Vec::new();
        for file in self.files.into_values() {
            // The check has found no writer, and only this draft could have given one out since.
            let mut file = Arc::try_unwrap(file).map_err(|file| {
                let source = io::Error::other("its writer is still out");
                let source = IoFailure::new(Operation::WriteFile, file.path(), source);
                Retryable::Write { key, source }
            })?;
            if file.has_failed() {
                let path = file.path().to_path_buf();
                return Err(Retryable::EarlierWrite { key, path });
            }
            let finished = file.finish();
            finished.map_err(|source| Retryable::Write { key, source })?;
            files.push(file);
        }
        pending.add(&claim.location(), self.dir, files);
        Ok(())
    }
}

/// Returns whether a writer of the file is out. The draft's own share is one, and only the draft gives out others.
fn is_out(file: &Arc<NewFile>) -> bool {
    Arc::strong_count(file) > 1
}

/// A file of an artifact that is being written, borrowed from its handle. A [`FileWriter`] is owned.
///
/// Appends only. Small writes are gathered, so it needs no `BufWriter` around it; what has been gathered is written by
/// [`Freezing::sync`](crate::Freezing::sync). After a failed write the artifact cannot be frozen any more: begin it
/// again.
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
        self.file.append(bytes).map_err(into_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(into_io)
    }
}

pub(crate) mod sealed {
    use super::{ArtifactClaim, Draft, MadeDurable, Pending, Retryable};

    /// Lets only this crate call the methods of a sealed trait. A caller that is generic over
    /// [`Syncable`](super::Syncable) can name the methods, but cannot make this argument.
    pub struct Internal(pub(super) ());

    /// The steps of a group with a member.
    pub trait Member: Sized {
        /// The member without its files, which are pending.
        type Claim;
        type Output;
        fn drafts(&self, internal: &Internal) -> impl Iterator<Item = (&ArtifactClaim, &Draft)>;
        /// Writes the last bytes, and adds the files to those that need a barrier.
        fn finish(
            self,
            pending: &mut Pending,
            internal: &Internal,
        ) -> Result<Self::Claim, Retryable>;
        fn synced(claim: Self::Claim, proof: &MadeDurable) -> Self::Output;
    }
}

use sealed::{Internal, Member};

pub(super) const INTERNAL: Internal = Internal(());

/// A member of a [`SyncGroup`](crate::SyncGroup): a [`Freezing`](crate::Freezing), or a
/// [`FreezingSet`](crate::FreezingSet) of any kinds.
///
/// Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made durable in a group",
    label = "a group takes artifacts that are being written",
    note = "a `Freezing` or a `FreezingSet` can be added"
)]
pub trait Syncable: Member<Output = <Self as Syncable>::Synced> {
    /// The member once its files are durable: a transition.
    type Synced;
}

/// Makes one member durable.
pub(crate) fn sync_one<T: Syncable>(member: T) -> Result<T::Synced, SyncError<T>> {
    let shared = member.drafts(&INTERNAL).next();
    let shared = shared.map(|(claim, _)| Arc::clone(&claim.shared));
    if let Some(shared) = &shared
        && let Err(refusal) = check(shared, &member)
    {
        return Err(StepError::refused(member, refusal));
    }
    let mut pending = Pending::new();
    let claim = member.finish(&mut pending, &INTERNAL)?;
    let proof = make_durable(shared.as_deref(), pending)?;
    Ok(T::synced(claim, &proof))
}

/// Makes files durable. A member without a catalog has no files.
pub(super) fn make_durable(
    shared: Option<&Shared>,
    pending: Pending,
) -> Result<MadeDurable, Fatal> {
    match shared {
        Some(shared) => shared.barriers.make_durable(pending, &shared.poison),
        None => Ok(pending.without_files()),
    }
}

/// Checks a member before any of its bytes is handed over.
pub(super) fn check<T: Syncable>(shared: &Arc<Shared>, member: &T) -> Result<(), SyncRefusal> {
    member.drafts(&INTERNAL).try_for_each(|(claim, draft)| {
        if !Arc::ptr_eq(shared, &claim.shared) {
            let key = claim.key();
            return Err(SyncRefusal::ForeignHandle { key });
        }
        draft.check(claim)
    })
}
