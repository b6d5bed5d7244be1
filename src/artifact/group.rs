//! [`SyncGroup`]: many artifacts are made durable for the price of a few.

use std::fmt;
use std::sync::Arc;

use super::freezing::Draft;
use super::{Freezing, FreezingSet, Held, SyncError, SyncRefusal, Synced, SyncedSet};
use crate::core::Core;
use crate::durable::{MOST_OPEN, Pending};
use crate::error::Refused;
use crate::kind::Kind;

/// Artifacts that are made durable together, for fewer barriers than one by one.
///
/// A member is [added](Self::add) as soon as it is written, so that the disk can work on it while the
/// next one is written. [`sync`](Self::sync) waits for all of them and gives their transitions, which
/// one commit flips. Each file and each directory is synced once; where the file system is one whose
/// `syncfs` promises and reports as much (ext4, XFS, btrfs and tmpfs, on Linux 5.17 or newer), that one
/// call does it for all. It then also writes what others have left unwritten on that file system, and
/// if it fails nobody can say whose bytes were lost: the error names the root.
///
/// The files that are open at a time are bounded: a large group is made durable in rounds.
///
/// **Durable now:** the keys, at `freezing`, and what earlier rounds have made so. **A crash here
/// leaves** [`Debris`](crate::Debris), as dropping the group does. **Next:** [`sync`](Self::sync).
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` it"]
pub struct SyncGroup<T: Syncable> {
    core: Arc<Core>,
    pending: Pending,
    members: Vec<T::Held>,
}

pub(crate) mod sealed {
    use super::{Draft, Pending, SyncError};

    /// What a group does with a member.
    pub trait Member: Sized {
        /// What is kept of it while its files are pending.
        type Held;
        type Output;
        fn drafts(&self) -> impl Iterator<Item = &Draft>;
        fn finish<H>(self, pending: &mut Pending) -> Result<Self::Held, SyncError<H>>;
        fn synced(held: Self::Held) -> Self::Output;
    }
}

use sealed::Member;

/// What can be made durable in a [`SyncGroup`]: a [`Freezing`], or a [`FreezingSet`] of any kinds.
///
/// Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made durable in a group",
    label = "a group takes what is being written",
    note = "a `Freezing` or a `FreezingSet` can be added"
)]
pub trait Syncable: Member<Output = <Self as Syncable>::Synced> {
    /// What the member is once its files are durable: a transition.
    type Synced;
}

impl<T: Syncable> SyncGroup<T> {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::clone(core),
            pending: Pending::of_many(),
            members: Vec::new(),
        }
    }

    /// How many members have been added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing has been added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds a member, which has been written. Its last bytes go to the kernel now; if it is large, the
    /// disk begins to write it.
    ///
    /// # Errors
    ///
    /// [`SyncError`] about this member: refused, with the member inside, or gone and still at
    /// `freezing`. The others stay in the group, unless the failure is fatal.
    pub fn add(&mut self, member: T) -> Result<(), SyncError<T>> {
        if let Err(refusal) = check(&self.core, &member) {
            return Err(SyncError::Refused(Refused::new(member, refusal)));
        }
        self.members.push(member.finish(&mut self.pending)?);
        if self.pending.open() >= MOST_OPEN {
            let round = std::mem::replace(&mut self.pending, Pending::of_many());
            settle(&self.core, round)?;
        }
        Ok(())
    }

    /// Makes every member durable. What comes back is a transition: one commit flips all of the keys.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused with the whole group back if the catalog refuses everything; fatal if a
    /// barrier failed, with the group consumed and its keys left at `freezing`.
    pub fn sync(self) -> Result<Vec<T::Synced>, SyncError<Self>> {
        if let Err(poisoned) = self.core.poison.check() {
            let refusal = SyncRefusal::from(poisoned);
            return Err(SyncError::Refused(Refused::new(self, refusal)));
        }
        settle(&self.core, self.pending)?;
        Ok(self.members.into_iter().map(T::synced).collect())
    }
}

impl<T: Syncable> fmt::Debug for SyncGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncGroup({} members)", self.members.len())
    }
}

/// Makes one member durable.
pub(super) fn sync_one<T: Syncable>(member: T) -> Result<T::Synced, SyncError<T>> {
    let core = member.drafts().next().map(|draft| &draft.held.core);
    let core = core.map(Arc::clone);
    if let Some(core) = &core
        && let Err(refusal) = check(core, &member)
    {
        return Err(SyncError::Refused(Refused::new(member, refusal)));
    }
    let mut pending = Pending::default();
    let held = member.finish(&mut pending)?;
    if let Some(core) = core {
        settle(&core, pending)?;
    }
    Ok(T::synced(held))
}

/// What must be so before anything is handed over.
fn check<T: Syncable>(core: &Arc<Core>, member: &T) -> Result<(), SyncRefusal> {
    member.drafts().try_for_each(|draft| {
        if !Arc::ptr_eq(core, &draft.held.core) {
            let key = draft.held.key;
            return Err(SyncRefusal::ForeignHandle { key });
        }
        draft.check()
    })
}

fn settle<H>(core: &Core, pending: Pending) -> Result<(), SyncError<H>> {
    core.durable
        .settle(pending, &core.poison)
        .map_err(SyncError::Fatal)
}

impl<K: Kind> Member for Freezing<K> {
    type Held = Held;
    type Output = Synced<K>;

    fn drafts(&self) -> impl Iterator<Item = &Draft> {
        std::iter::once(&self.draft)
    }

    fn finish<H>(self, pending: &mut Pending) -> Result<Held, SyncError<H>> {
        self.draft.finish(pending)
    }

    fn synced(held: Held) -> Synced<K> {
        Synced::new(held)
    }
}

impl<K: Kind> Syncable for Freezing<K> {
    type Synced = Synced<K>;
}

impl Member for FreezingSet {
    /// In canonical order.
    type Held = [Option<Held>; 3];
    type Output = SyncedSet;

    fn drafts(&self) -> impl Iterator<Item = &Draft> {
        let drafts = [
            self.ledgers.as_ref().map(|member| &member.draft),
            self.events.as_ref().map(|member| &member.draft),
            self.txhash.as_ref().map(|member| &member.draft),
        ];
        drafts.into_iter().flatten()
    }

    fn finish<H>(self, pending: &mut Pending) -> Result<Self::Held, SyncError<H>> {
        let drafts = [
            self.ledgers.map(|member| member.draft),
            self.events.map(|member| member.draft),
            self.txhash.map(|member| member.draft),
        ];
        let mut finish =
            |draft: Option<Draft>| draft.map(|draft| draft.finish(pending)).transpose();
        let [ledgers, events, txhash] = drafts;
        Ok([finish(ledgers)?, finish(events)?, finish(txhash)?])
    }

    fn synced([ledgers, events, txhash]: Self::Held) -> SyncedSet {
        SyncedSet {
            ledgers: ledgers.map(Synced::new),
            events: events.map(Synced::new),
            txhash: txhash.map(Synced::new),
        }
    }
}

impl Syncable for FreezingSet {
    type Synced = SyncedSet;
}
