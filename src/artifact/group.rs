//! [`SyncGroup`]: many artifacts are made durable for the price of a few.

use std::fmt;
use std::sync::Arc;

use super::draft::{INTERNAL, Syncable, check, make_durable};
use crate::failure::{Fatal, Retryable, StepError, SyncError};
use crate::fs::MOST_OPEN;
use crate::protocol::{Pending, Shared};

/// Artifacts that are made durable together, for fewer barriers than one by one.
///
/// A member is [added](Self::add) as soon as it is written, so that the disk can work on it while the
/// next one is written. [`sync`](Self::sync) waits for all of them and gives their transitions, which
/// one commit flips. Each file and each directory is synced once. On file systems where `syncfs` gives the same
/// durability and reports the same errors (ext4 with a journal, XFS, btrfs and tmpfs, on Linux 5.17 or newer), that
/// one call syncs all of them. It also flushes the unwritten data of other processes. If it fails, the lost bytes may
/// be those of another process: the error then names the root.
///
/// The files that are open at a time are bounded: a large group is made durable in rounds.
///
/// **Durable now:** the keys, at `freezing`, and the files of earlier rounds. **A crash here
/// leaves** [`Debris`](crate::Debris), as dropping the group does. **Next:** [`sync`](Self::sync).
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let chunks = (0..3).map(ChunkId::new).collect::<Result<Vec<_>, _>>()?;
/// let mut group = catalog.sync_group();
/// for mut freezing in catalog.begin_all::<Ledgers>(chunks)? {
///     freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
///     group.add(freezing)?;
/// }
/// let frozen = catalog.commit(group.sync()?)?;
/// assert_eq!(frozen.len(), 3);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` it"]
pub struct SyncGroup<T: Syncable> {
    shared: Arc<Shared>,
    round: Round<T>,
    /// The members of earlier rounds.
    durable: Vec<T::Synced>,
}

/// Members with their pending files. The one barrier for the files is the only way to the members'
/// evidence: a panic, or an error, in between takes both.
struct Round<T: Syncable> {
    pending: Pending,
    members: Vec<T::Claim>,
}

impl<T: Syncable> Round<T> {
    fn new(pending: Pending) -> Self {
        Self {
            pending,
            members: Vec::new(),
        }
    }

    fn add(&mut self, member: T) -> Result<(), Retryable> {
        // Apart from the others, which need no barrier for the files of a member that fails.
        let mut own = Pending::new();
        let claim = member.finish(&mut own, &INTERNAL)?;
        self.pending.merge(own);
        self.members.push(claim);
        Ok(())
    }

    fn make_durable(self, shared: &Shared) -> Result<Vec<T::Synced>, Fatal> {
        let proof = make_durable(Some(shared), self.pending)?;
        let members = self.members.into_iter();
        Ok(members.map(|claim| T::synced(claim, &proof)).collect())
    }
}

impl<T: Syncable> SyncGroup<T> {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            round: Round::new(Pending::new()),
            durable: Vec::new(),
        }
    }

    /// How many members have been added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.durable.len() + self.round.members.len()
    }

    /// Whether nothing has been added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a member, which has been written. Its last bytes go to the kernel now; if it is large, the
    /// disk begins to write it.
    ///
    /// # Errors
    ///
    /// [`SyncError`] about this member: refused, with the member inside, or gone and still at
    /// `freezing`. The others stay in the group, unless the failure is fatal.
    pub fn add(&mut self, member: T) -> Result<(), SyncError<T>> {
        if let Err(refusal) = check(&self.shared, &member) {
            return Err(StepError::refused(member, refusal));
        }
        self.round.add(member)?;
        if self.round.pending.open() >= MOST_OPEN {
            let round = std::mem::replace(&mut self.round, Round::new(Pending::new()));
            let durable = round.make_durable(&self.shared);
            self.durable.extend(durable?);
        }
        Ok(())
    }

    /// Makes every member durable. Returns a transition: one commit flips all of the keys.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused with the whole group back if the catalog refuses everything, or if another program has
    /// moved a directory of the files; fatal if a barrier failed, with the group consumed and its keys left at
    /// `freezing`.
    pub fn sync(self) -> Result<Vec<T::Synced>, SyncError<Self>> {
        if let Err(poisoned) = self.shared.poison.check() {
            return Err(StepError::refused(self, poisoned));
        }
        if let Err(refusal) = self.round.pending.check_current() {
            return Err(StepError::refused(self, refusal));
        }
        let mut durable = self.durable;
        let last = self.round.make_durable(&self.shared);
        durable.extend(last?);
        Ok(durable)
    }
}

impl<T: Syncable> fmt::Debug for SyncGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncGroup({} members)", self.len())
    }
}
