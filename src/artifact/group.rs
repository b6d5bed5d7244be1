//! [`SyncGroup`]: many artifacts are made durable for the price of a few.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::freezing::Draft;
use super::{Freezing, FreezingSet, Held, SyncError, SyncRefusal, Synced, SyncedSet};
use crate::core::Core;
use crate::durable::{MOST_OPEN, MadeDurable, Pending};
use crate::error::{Fatal, Refused};
use crate::kind::{Events, Kind, Ledgers, TxHash};

/// Artifacts that are made durable together, for fewer barriers than one by one.
///
/// A member is [added](Self::add) as soon as it is written, so that the disk can work on it while the
/// next one is written. [`sync`](Self::sync) waits for all of them and gives their transitions, which
/// one commit flips. Each file and each directory is synced once; where `syncfs` guarantees and reports as
/// much (ext4 with a journal, XFS, btrfs and tmpfs, on Linux 5.17 or newer), that one call does it for
/// all. It then also writes what others have left unwritten on that file system, and
/// if it fails nobody can say whose bytes were lost: the error names the root.
///
/// The files that are open at a time are bounded: a large group is made durable in rounds.
///
/// **Durable now:** the keys, at `freezing`, and what earlier rounds have made so. **A crash here
/// leaves** [`Debris`](crate::Debris), as dropping the group does. **Next:** [`sync`](Self::sync).
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` it"]
pub struct SyncGroup<T: Syncable> {
    core: Arc<Core>,
    round: Round<T>,
    /// The members of earlier rounds.
    durable: Vec<T::Synced>,
}

pub(crate) mod sealed {
    use super::{Draft, MadeDurable, Pending, SyncError};

    /// Lets only this crate call the methods of a sealed trait. A caller that is generic over
    /// [`Syncable`](super::Syncable) can name the methods, but cannot make this argument.
    pub struct Internal(pub(super) ());

    /// The steps of a group with a member.
    pub trait Member: Sized {
        /// The member without its files, which are pending.
        type Held;
        type Output;
        fn drafts(&self, internal: &Internal) -> impl Iterator<Item = &Draft>;
        /// Writes the last bytes, and adds the files to those that are owed a barrier.
        fn finish<H>(
            self,
            pending: &mut Pending,
            internal: &Internal,
        ) -> Result<Self::Held, SyncError<H>>;
        fn synced(held: Self::Held, proof: &MadeDurable) -> Self::Output;
    }
}

use sealed::{Internal, Member};

const INTERNAL: Internal = Internal(());

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

/// Members with their pending files. The one barrier for the files is the only way to the members'
/// evidence: a panic, or an error, in between takes both.
struct Round<T: Syncable> {
    pending: Pending,
    members: Vec<T::Held>,
}

impl<T: Syncable> Round<T> {
    fn new(pending: Pending) -> Self {
        Self {
            pending,
            members: Vec::new(),
        }
    }

    fn add<H>(&mut self, member: T) -> Result<(), SyncError<H>> {
        let held = member.finish(&mut self.pending, &INTERNAL)?;
        self.members.push(held);
        Ok(())
    }

    fn make_durable(self, core: &Core) -> Result<Vec<T::Synced>, Fatal> {
        let proof = make_durable(Some(core), self.pending)?;
        let members = self.members.into_iter();
        Ok(members.map(|held| T::synced(held, &proof)).collect())
    }
}

impl<T: Syncable> SyncGroup<T> {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::clone(core),
            round: Round::new(Pending::of_many()),
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
        if let Err(refusal) = check(&self.core, &member) {
            return Err(SyncError::Refused(Refused::new(member, refusal)));
        }
        self.round.add(member)?;
        if self.round.pending.open() >= MOST_OPEN {
            let round = std::mem::replace(&mut self.round, Round::new(Pending::of_many()));
            let durable = round.make_durable(&self.core);
            self.durable.extend(durable.map_err(SyncError::Fatal)?);
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
        let mut durable = self.durable;
        let last = self.round.make_durable(&self.core);
        durable.extend(last.map_err(SyncError::Fatal)?);
        Ok(durable)
    }
}

impl<T: Syncable> fmt::Debug for SyncGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncGroup({} members)", self.len())
    }
}

/// Makes one member durable.
pub(super) fn sync_one<T: Syncable>(member: T) -> Result<T::Synced, SyncError<T>> {
    let core = member.drafts(&INTERNAL).next();
    let core = core.map(|draft| Arc::clone(&draft.held.core));
    if let Some(core) = &core
        && let Err(refusal) = check(core, &member)
    {
        return Err(SyncError::Refused(Refused::new(member, refusal)));
    }
    let mut pending = Pending::of_one();
    let held = member.finish(&mut pending, &INTERNAL)?;
    let proof = make_durable(core.as_deref(), pending).map_err(SyncError::Fatal)?;
    Ok(T::synced(held, &proof))
}

/// Without a core there is no file, either.
fn make_durable(core: Option<&Core>, pending: Pending) -> Result<MadeDurable, Fatal> {
    match core {
        Some(core) => core.durable.settle(pending, &core.poison),
        None => Ok(pending.without_files()),
    }
}

/// What must be so before anything is handed over.
fn check<T: Syncable>(core: &Arc<Core>, member: &T) -> Result<(), SyncRefusal> {
    member.drafts(&INTERNAL).try_for_each(|draft| {
        if !Arc::ptr_eq(core, &draft.held.core) {
            let key = draft.held.key;
            return Err(SyncRefusal::ForeignHandle { key });
        }
        draft.check()
    })
}

/// The claim of a member on its key, with the member's kind: evidence of one kind cannot be made of
/// another kind's claim.
pub struct OfKind<K> {
    held: Held,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> OfKind<K> {
    fn finish<H>(member: Freezing<K>, pending: &mut Pending) -> Result<Self, SyncError<H>> {
        Ok(Self {
            held: member.draft.finish(pending)?,
            kind: PhantomData,
        })
    }

    fn synced(self, proof: &MadeDurable) -> Synced<K> {
        Synced::new(self.held, proof)
    }
}

impl<K: Kind> Member for Freezing<K> {
    type Held = OfKind<K>;
    type Output = Synced<K>;

    fn drafts(&self, _: &Internal) -> impl Iterator<Item = &Draft> {
        std::iter::once(&self.draft)
    }

    fn finish<H>(self, pending: &mut Pending, _: &Internal) -> Result<OfKind<K>, SyncError<H>> {
        OfKind::finish(self, pending)
    }

    fn synced(held: OfKind<K>, proof: &MadeDurable) -> Synced<K> {
        held.synced(proof)
    }
}

impl<K: Kind> Syncable for Freezing<K> {
    type Synced = Synced<K>;
}

impl Member for FreezingSet {
    /// In canonical order.
    type Held = (
        Option<OfKind<Ledgers>>,
        Option<OfKind<Events>>,
        Option<OfKind<TxHash>>,
    );
    type Output = SyncedSet;

    fn drafts(&self, _: &Internal) -> impl Iterator<Item = &Draft> {
        let drafts = [
            self.ledgers.as_ref().map(|member| &member.draft),
            self.events.as_ref().map(|member| &member.draft),
            self.txhash.as_ref().map(|member| &member.draft),
        ];
        drafts.into_iter().flatten()
    }

    fn finish<H>(self, pending: &mut Pending, _: &Internal) -> Result<Self::Held, SyncError<H>> {
        fn finish<K: Kind, H>(
            member: Option<Freezing<K>>,
            pending: &mut Pending,
        ) -> Result<Option<OfKind<K>>, SyncError<H>> {
            let finished = member.map(|member| OfKind::finish(member, pending));
            finished.transpose()
        }
        Ok((
            finish(self.ledgers, pending)?,
            finish(self.events, pending)?,
            finish(self.txhash, pending)?,
        ))
    }

    fn synced((ledgers, events, txhash): Self::Held, proof: &MadeDurable) -> SyncedSet {
        SyncedSet {
            ledgers: ledgers.map(|held| held.synced(proof)),
            events: events.map(|held| held.synced(proof)),
            txhash: txhash.map(|held| held.synced(proof)),
        }
    }
}

impl Syncable for FreezingSet {
    type Synced = SyncedSet;
}
