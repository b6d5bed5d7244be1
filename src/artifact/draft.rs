//! The files of an artifact that is being written, of any kind, and making them durable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::claim::ArtifactClaim;
use crate::failure::{CreateError, Fatal, Retryable, StepError, SyncError, SyncRefusal};
use crate::fs::{DirChains, NewFile};
use crate::protocol::{MadeDurable, Pending, Shared, SharedDir};

/// The files of an artifact that is being written, of any kind.
pub struct Draft {
    /// Whether an earlier attempt may have left files.
    has_leftovers: bool,
    dir: Option<Arc<SharedDir>>,
    /// By their position in the list of the kind's files.
    files: BTreeMap<usize, NewFile>,
}

impl Draft {
    pub(super) const fn new(has_leftovers: bool) -> Self {
        Self {
            has_leftovers,
            dir: None,
            files: BTreeMap::new(),
        }
    }

    pub(super) fn file(
        &mut self,
        claim: &ArtifactClaim,
        position: usize,
        suffix: &str,
    ) -> Result<ArtifactFile<'_>, CreateError> {
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
        let file = match self.files.entry(position) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(dir.dir().create_file(location.file_name(suffix))?)
            }
        };
        Ok(ArtifactFile { file })
    }

    /// Checks that every file has been created.
    fn check(&self, claim: &ArtifactClaim) -> Result<(), SyncRefusal> {
        claim.shared.poison.check()?;
        let location = claim.location();
        for (position, name) in location.file_names().enumerate() {
            if !self.files.contains_key(&position) {
                let path = claim.shared.roots.layout().path_of(&location, &name);
                return Err(SyncRefusal::NotCreated { path });
            }
        }
        if let Some(dir) = &self.dir {
            dir.check_current()?;
        }
        Ok(())
    }

    /// Writes the last bytes, and adds the files to those that need a barrier.
    pub(super) fn finish(
        self,
        claim: &ArtifactClaim,
        pending: &mut Pending,
    ) -> Result<(), Retryable> {
        let key = claim.key();
        let mut files: Vec<_> = self.files.into_values().collect();
        for file in &mut files {
            if file.has_failed() {
                let path = file.path().to_path_buf();
                return Err(Retryable::EarlierWrite { key, path });
            }
            let finished = file.finish();
            finished.map_err(|source| Retryable::Write { key, source })?;
        }
        pending.add(&claim.location(), self.dir, files);
        Ok(())
    }
}

/// A file of an artifact that is being written.
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
pub(super) fn sync_one<T: Syncable>(member: T) -> Result<T::Synced, SyncError<T>> {
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
