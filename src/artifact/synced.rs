//! [`Synced`]: the files are durable, and the flip may be committed.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Frozen, Held, artifact_handle};
use crate::core::Core;
use crate::durable::MadeDurable;
use crate::kind::{Events, Kind, Ledgers, TxHash};
use crate::state::ArtifactState;
use crate::transition::sealed::Commit;
use crate::transition::{Changes, Committed, Transition};

/// Evidence that every file of an artifact, and every directory entry that leads to one, is on
/// stable storage.
///
/// **Durable now:** the files and their names; the key is still at `freezing`. **A crash here
/// leaves** [`Debris`](crate::Debris): whole files that nobody will trust. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch.
#[must_use = "its files are durable but nobody will read them until `Catalog::commit` flips the key"]
pub struct Synced<K: Kind> {
    held: Held,
    kind: PhantomData<fn() -> K>,
}

artifact_handle!(Synced);

/// The members of a [`FreezingSet`](crate::FreezingSet), made durable: one commit flips all of their
/// keys.
#[derive(Debug)]
#[must_use = "its files are durable but nobody will read them until `Catalog::commit` flips the keys"]
pub struct SyncedSet {
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
    /// The ledgers.
    pub ledgers: Option<Frozen<Ledgers>>,
    /// The events.
    pub events: Option<Frozen<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Frozen<TxHash>>,
}

impl<K: Kind> Synced<K> {
    /// Of a member of the set of files that the proof is of.
    pub(super) const fn new(held: Held, _: &MadeDurable) -> Self {
        Self {
            held,
            kind: PhantomData,
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.held.core
    }
}

impl<K: Kind> Commit for Synced<K> {
    type Output = Frozen<K>;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(ArtifactState::Frozen);
        let change = self.held.change(Some(ArtifactState::Freezing), next);
        changes.push(&self.held.core, change);
    }

    fn advance(self, _: &Committed) -> Frozen<K> {
        Frozen::from_held(self.held)
    }
}

impl<K: Kind> Transition for Synced<K> {
    type Next = Frozen<K>;
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
            ledgers: self.ledgers.advance(committed),
            events: self.events.advance(committed),
            txhash: self.txhash.advance(committed),
        }
    }
}

impl Transition for SyncedSet {
    type Next = FrozenSet;
}
