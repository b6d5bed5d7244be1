//! Several kinds of one chunk, in one state: begun, synced and committed together.

use std::sync::Arc;

use super::begin::Begin;
use super::claim::{ArtifactClaim, KindClaim};
use super::draft::sealed::{Internal, Member};
use super::draft::{self, Draft, Syncable};
use super::freezing::Freezing;
use super::frozen::Frozen;
use super::synced::Synced;
use super::writer::FileWriter;
use crate::domain::{ArtifactSet, ChunkId, Events, Kind, Ledgers, TxHash};
use crate::failure::{BeginRefusal, CreateError, ReadError, Retryable, SyncError};
use crate::fs::DirChains;
use crate::protocol::evident::Evident;
use crate::protocol::sealed::Commit;
use crate::protocol::{
    Changes, Committed, Evidence, MadeDurable, Pending, Shared, Transition, Witnesses,
};

/// The intent to write several kinds of one chunk: a transition that has not been committed. A kind that was not
/// asked for is `None`.
#[derive(Debug)]
#[must_use = "no key is marked until `Catalog::commit` has written it"]
pub struct BeginSet {
    pub(super) chunk: ChunkId,
    /// The ledgers.
    pub ledgers: Option<Begin<Ledgers>>,
    /// The events.
    pub events: Option<Begin<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Begin<TxHash>>,
}

impl BeginSet {
    #[track_caller]
    fn find(
        shared: &Arc<Shared>,
        chunk: ChunkId,
        set: ArtifactSet,
        chains: &mut DirChains,
    ) -> Result<Self, BeginRefusal> {
        #[track_caller]
        fn find<K: Kind<Id = ChunkId>>(
            shared: &Arc<Shared>,
            chunk: ChunkId,
            set: ArtifactSet,
            chains: &mut DirChains,
        ) -> Result<Option<Begin<K>>, BeginRefusal> {
            if !set.contains(K::KIND) {
                return Ok(None);
            }
            chains.close_if_many();
            Begin::find(shared, chunk, chains).map(Some)
        }
        Ok(Self {
            chunk,
            ledgers: find(shared, chunk, set, chains)?,
            events: find(shared, chunk, set, chains)?,
            txhash: find(shared, chunk, set, chains)?,
        })
    }
}

/// The accessor that every set has.
macro_rules! chunk_of_set {
    ($($name:ident),+) => {$(
        impl $name {
            /// The chunk that the set was begun for.
            #[must_use]
            pub const fn chunk(&self) -> ChunkId {
                self.chunk
            }
        }
    )+};
}

chunk_of_set!(BeginSet, FreezingSet, SyncedSet, FrozenSet);

/// The intent to write several kinds of several chunks.
#[track_caller]
pub(crate) fn intend_sets(
    shared: &Arc<Shared>,
    sets: impl IntoIterator<Item = (ChunkId, ArtifactSet)>,
) -> Result<Vec<BeginSet>, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    let mut chains = DirChains::default();
    let mut begun = Vec::new();
    for (chunk, set) in sets {
        begun.push(BeginSet::find(shared, chunk, set, &mut chains)?);
    }
    Ok(begun)
}

/// The intent to write several kinds of one chunk.
#[track_caller]
pub(crate) fn intend_set(
    shared: &Arc<Shared>,
    chunk: ChunkId,
    set: ArtifactSet,
) -> Result<BeginSet, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    BeginSet::find(shared, chunk, set, &mut DirChains::default())
}

/// The kinds of one chunk that were begun together; a kind that was not asked for is `None`.
#[derive(Debug)]
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` it, or take its members"]
pub struct FreezingSet {
    chunk: ChunkId,
    /// The ledgers.
    pub ledgers: Option<Freezing<Ledgers>>,
    /// The events.
    pub events: Option<Freezing<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Freezing<TxHash>>,
}

impl FreezingSet {
    const fn empty(chunk: ChunkId) -> Self {
        Self {
            chunk,
            ledgers: None,
            events: None,
            txhash: None,
        }
    }

    /// Takes all files of all members out of their handles, in the order of the kinds and of their files. The key and
    /// the suffix of each writer tell which file it is.
    ///
    /// # Errors
    ///
    /// As [`Freezing::writer`]. No writer is then given out, and the files that were created stay.
    pub fn writers(&mut self) -> Result<Vec<FileWriter>, CreateError> {
        let mut writers = Vec::new();
        if let Some(ledgers) = &mut self.ledgers {
            writers.extend(ledgers.writers()?);
        }
        if let Some(events) = &mut self.events {
            writers.extend(events.writers()?);
        }
        if let Some(txhash) = &mut self.txhash {
            writers.extend(txhash.writers()?);
        }
        Ok(writers)
    }

    /// Makes the files of every member durable. Returns a transition: one commit flips
    /// all of the keys.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused with the whole set back, or, once a member has failed, with the set
    /// consumed and its keys left at `freezing`.
    pub fn sync(self) -> Result<SyncedSet, SyncError<Self>> {
        draft::sync_one(self)
    }
}

/// The members of a [`FreezingSet`](crate::FreezingSet), made durable: one commit flips all of their
/// keys.
#[derive(Debug)]
#[must_use = "its files are durable but cannot be read until `Catalog::commit` flips the keys"]
pub struct SyncedSet {
    chunk: ChunkId,
    /// The ledgers.
    pub ledgers: Option<Synced<Ledgers>>,
    /// The events.
    pub events: Option<Synced<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Synced<TxHash>>,
}

/// The members of a [`SyncedSet`], committed.
#[derive(Debug)]
pub struct FrozenSet {
    chunk: ChunkId,
    /// The ledgers.
    pub ledgers: Option<Frozen<Ledgers>>,
    /// The events.
    pub events: Option<Frozen<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Frozen<TxHash>>,
}

/// The set of one artifact.
impl From<Freezing<Ledgers>> for FreezingSet {
    fn from(ledgers: Freezing<Ledgers>) -> Self {
        let mut set = Self::empty(ledgers.chunk());
        set.ledgers = Some(ledgers);
        set
    }
}

/// The set of one artifact.
impl From<Freezing<Events>> for FreezingSet {
    fn from(events: Freezing<Events>) -> Self {
        let mut set = Self::empty(events.chunk());
        set.events = Some(events);
        set
    }
}

/// The set of one artifact.
impl From<Freezing<TxHash>> for FreezingSet {
    fn from(txhash: Freezing<TxHash>) -> Self {
        let mut set = Self::empty(txhash.chunk());
        set.txhash = Some(txhash);
        set
    }
}

impl Member for FreezingSet {
    /// In canonical order.
    type Claim = (
        ChunkId,
        Option<KindClaim<Ledgers>>,
        Option<KindClaim<Events>>,
        Option<KindClaim<TxHash>>,
    );
    type Output = SyncedSet;

    fn drafts(&self, internal: &Internal) -> impl Iterator<Item = (&ArtifactClaim, &Draft)> {
        let ledgers = self.ledgers.iter().flat_map(|one| one.drafts(internal));
        let events = self.events.iter().flat_map(|one| one.drafts(internal));
        let txhash = self.txhash.iter().flat_map(|one| one.drafts(internal));
        ledgers.chain(events).chain(txhash)
    }

    fn finish(self, pending: &mut Pending, internal: &Internal) -> Result<Self::Claim, Retryable> {
        fn finish<K: Kind>(
            member: Option<Freezing<K>>,
            pending: &mut Pending,
            internal: &Internal,
        ) -> Result<Option<KindClaim<K>>, Retryable> {
            let finished = member.map(|member| member.finish(pending, internal));
            finished.transpose()
        }
        Ok((
            self.chunk,
            finish(self.ledgers, pending, internal)?,
            finish(self.events, pending, internal)?,
            finish(self.txhash, pending, internal)?,
        ))
    }

    fn synced((chunk, ledgers, events, txhash): Self::Claim, proof: &MadeDurable) -> SyncedSet {
        SyncedSet {
            chunk,
            ledgers: ledgers.map(|claim| Synced::new(claim, proof)),
            events: events.map(|claim| Synced::new(claim, proof)),
            txhash: txhash.map(|claim| Synced::new(claim, proof)),
        }
    }
}

impl Syncable for FreezingSet {
    type Synced = SyncedSet;
}
impl Commit for SyncedSet {
    type Output = FrozenSet;

    fn gather(&self, changes: &mut Changes<'_>) {
        self.ledgers.gather(changes);
        self.events.gather(changes);
        self.txhash.gather(changes);
    }

    fn advance(self, committed: &Committed) -> FrozenSet {
        FrozenSet {
            chunk: self.chunk,
            ledgers: self.ledgers.advance(committed),
            events: self.events.advance(committed),
            txhash: self.txhash.advance(committed),
        }
    }
}

impl Transition for SyncedSet {
    type Next = FrozenSet;
}

impl Commit for BeginSet {
    type Output = FreezingSet;

    fn gather(&self, changes: &mut Changes<'_>) {
        self.ledgers.gather(changes);
        self.events.gather(changes);
        self.txhash.gather(changes);
    }

    fn advance(self, committed: &Committed) -> FreezingSet {
        FreezingSet {
            chunk: self.chunk,
            ledgers: self.ledgers.advance(committed),
            events: self.events.advance(committed),
            txhash: self.txhash.advance(committed),
        }
    }
}

impl Transition for BeginSet {
    type Next = FreezingSet;
}

impl Evident for SyncedSet {
    fn attest(&self, witnesses: &mut Witnesses<'_>) {
        self.ledgers.iter().for_each(|one| one.witness(witnesses));
        self.events.iter().for_each(|one| one.witness(witnesses));
        self.txhash.iter().for_each(|one| one.witness(witnesses));
    }
}

/// The commit that retires the directory must contain it as well.
impl Evidence for SyncedSet {}

impl Evident for FrozenSet {
    fn attest(&self, witnesses: &mut Witnesses<'_>) {
        self.ledgers.iter().for_each(|one| one.witness(witnesses));
        self.events.iter().for_each(|one| one.witness(witnesses));
        self.txhash.iter().for_each(|one| one.witness(witnesses));
    }
}

impl Evidence for FrozenSet {}
