//! The lifecycle of every chunk in memory: one byte each, as the catalog durably holds it.
//!
//! A `u32` of ledgers has no more than 429,496 chunks, and a chunk has three artifacts of four states
//! and a hot directory of three: eight bits. So all of it fits in 440 KB, and asking costs no read.
//!
//! It cannot disagree with the catalog: it is filled from it at the start, and changed by the one
//! function that commits, after the synced write has returned and before the commit does. A commit
//! whose outcome is unknown poisons the catalog, which then answers nothing.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, BucketId, CHUNKS_PER_BUCKET, ChunkId, HotKey,
    HotState, Key, Unfinished,
};
use crate::failure::StoreFailure;
use crate::store::Store;

const BUCKETS: usize = ChunkId::MAX.bucket().get() as usize + 1;

/// What the catalog holds of one chunk: two bits for each kind, in canonical order from the lowest,
/// then two for the hot directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackedStates(u8);

/// Bits of one key's value.
const WIDTH: u32 = 2;
const MASK: u8 = 0b11;
const HOT_SHIFT: u32 = 6;
/// In place of the hot directory's value: some value of the chunk is none of its key's, and only the
/// store can tell which and what it is.
const UNRECOGNISED: u8 = 0b11;

impl PackedStates {
    pub(crate) const NOTHING: Self = Self(0);

    const fn bits(self, shift: u32) -> u8 {
        (self.0 >> shift) & MASK
    }

    #[must_use]
    const fn with_bits(self, shift: u32, bits: u8) -> Self {
        Self(self.0 & !(MASK << shift) | bits << shift)
    }

    /// Whether the store has to be asked about this chunk.
    pub(crate) const fn is_unrecognised(self) -> bool {
        self.bits(HOT_SHIFT) == UNRECOGNISED
    }

    pub(crate) const fn artifact(self, kind: ArtifactKind) -> Option<ArtifactState> {
        match self.bits(kind_shift(kind)) {
            0 => None,
            1 => Some(ArtifactState::Freezing),
            2 => Some(ArtifactState::Frozen),
            _ => Some(ArtifactState::Pruning),
        }
    }

    pub(crate) const fn hot(self) -> Option<HotState> {
        match self.bits(HOT_SHIFT) {
            1 => Some(HotState::Transient),
            2 => Some(HotState::Ready),
            _ => None,
        }
    }

    /// The same with one value changed; a chunk that is unrecognised stays so.
    #[must_use]
    fn with(self, value: Value) -> Self {
        match value {
            _ if self.is_unrecognised() => self,
            Value::Artifact(kind, state) => self.with_bits(kind_shift(kind), artifact_bits(state)),
            Value::Hot(state) => self.with_bits(HOT_SHIFT, hot_bits(state)),
            Value::Unrecognised => self.with_bits(HOT_SHIFT, UNRECOGNISED),
        }
    }
}

const fn kind_shift(kind: ArtifactKind) -> u32 {
    WIDTH
        * match kind {
            ArtifactKind::Ledgers => 0,
            ArtifactKind::Events => 1,
            ArtifactKind::TxHash => 2,
        }
}

const fn artifact_bits(state: Option<ArtifactState>) -> u8 {
    match state {
        None => 0,
        Some(ArtifactState::Freezing) => 1,
        Some(ArtifactState::Frozen) => 2,
        Some(ArtifactState::Pruning) => 3,
    }
}

const fn hot_bits(state: Option<HotState>) -> u8 {
    match state {
        None => 0,
        Some(HotState::Transient) => 1,
        Some(HotState::Ready) => 2,
    }
}

/// The value of one of a chunk's keys.
#[derive(Debug, Clone, Copy)]
enum Value {
    Artifact(ArtifactKind, Option<ArtifactState>),
    Hot(Option<HotState>),
    Unrecognised,
}

impl Value {
    /// The value of a key, as it is stored; none for a key that is of no chunk.
    fn decode(key: Key, stored: Option<&[u8]>) -> Option<(ChunkId, Self)> {
        Some(match key {
            Key::Artifact(ArtifactKey { chunk, kind }) => {
                let state = stored.map(ArtifactState::from_stored);
                let value = match state {
                    None => Self::Artifact(kind, None),
                    Some(Some(state)) => Self::Artifact(kind, Some(state)),
                    Some(None) => Self::Unrecognised,
                };
                (chunk, value)
            }
            Key::Hot(HotKey { chunk }) => {
                let value = match stored.map(HotState::from_stored) {
                    None => Self::Hot(None),
                    Some(Some(state)) => Self::Hot(Some(state)),
                    Some(None) => Self::Unrecognised,
                };
                (chunk, value)
            }
            Key::EarliestLedger => return None,
        })
    }
}

/// What is known here of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The value; none if the key is absent.
    Is(Option<&'static str>),
    /// It is kept in the store only.
    AskTheStore,
}

/// The lifecycles of a bucket's chunks.
type Page = [AtomicU8; CHUNKS_PER_BUCKET as usize];

/// The lifecycles of all chunks.
pub(crate) struct States {
    /// By bucket; none as long as no chunk of the bucket has had a key.
    pages: Box<[OnceLock<Box<Page>>]>,
    /// Held while a commit's changes are put in, and while somebody takes many lifecycles at once: so
    /// what is taken is from between two commits.
    together: Mutex<()>,
}

impl States {
    /// Reads all of the catalog, and counts what a crash has left in it. A value that is none of its
    /// key's is owed to a person and not counted.
    pub(crate) fn load(store: &Store) -> Result<(Self, Unfinished), StoreFailure> {
        let states = Self {
            pages: std::iter::repeat_with(OnceLock::new)
                .take(BUCKETS)
                .collect(),
            together: Mutex::new(()),
        };
        let mut unfinished = Unfinished::default();
        store.for_each(|key, stored| {
            // What is not the canonical spelling of a key is not ours: the audit reports it.
            let value = Key::recognize(key).and_then(|key| Value::decode(key, Some(stored)));
            let Some((chunk, value)) = value else {
                return;
            };
            match value {
                Value::Artifact(_, Some(state)) => unfinished.count_artifact(state),
                Value::Hot(Some(state)) => unfinished.count_hot(state),
                _ => {}
            }
            states.put(chunk, value);
        })?;
        Ok((states, unfinished))
    }

    /// The lifecycle of one chunk.
    pub(crate) fn of(&self, chunk: ChunkId) -> PackedStates {
        let page = self.pages.get(chunk.bucket().get() as usize);
        let byte = page
            .and_then(OnceLock::get)
            .and_then(|page| page.get(position(chunk)));
        byte.map_or(PackedStates::NOTHING, |byte| {
            PackedStates(byte.load(Ordering::Acquire))
        })
    }

    /// What the store holds under a key.
    pub(crate) fn stored(&self, key: Key) -> Stored {
        let (chunk, kind) = match key {
            Key::Artifact(ArtifactKey { chunk, kind }) => (chunk, Some(kind)),
            Key::Hot(HotKey { chunk }) => (chunk, None),
            Key::EarliestLedger => return Stored::AskTheStore,
        };
        let lifecycle = self.of(chunk);
        if lifecycle.is_unrecognised() {
            return Stored::AskTheStore;
        }
        Stored::Is(match kind {
            Some(kind) => lifecycle.artifact(kind).map(ArtifactState::as_str),
            None => lifecycle.hot().map(HotState::as_str),
        })
    }

    /// The lifecycles of all chunks of these buckets that have any key, from between the same two
    /// commits: runs, each with its first chunk.
    pub(crate) fn of_buckets(&self, from: BucketId, to: BucketId) -> Vec<(u32, Vec<PackedStates>)> {
        let _together = self.lock();
        let buckets = from.get()..=to.get();
        let runs = buckets.filter_map(|bucket| {
            let page = self.pages.get(bucket as usize)?.get()?;
            let lifecycles = page.iter().map(|byte| byte.load(Ordering::Relaxed));
            let first = bucket * CHUNKS_PER_BUCKET;
            Some((first, lifecycles.map(PackedStates).collect()))
        });
        runs.collect()
    }

    /// Puts in what has been committed. Only one caller at a time.
    pub(crate) fn apply<'a>(&self, changes: impl IntoIterator<Item = (Key, Option<&'a str>)>) {
        let _together = self.lock();
        for (key, stored) in changes {
            if let Some((chunk, value)) = Value::decode(key, stored.map(str::as_bytes)) {
                self.put(chunk, value);
            }
        }
    }

    /// Notes that somebody has written to the store behind the protocol's back.
    #[cfg(feature = "sim")]
    pub(crate) fn planted(&self, key: &[u8], stored: Option<&[u8]>) {
        let _together = self.lock();
        let value = Key::recognize(key).and_then(|key| Value::decode(key, stored));
        if let Some((chunk, value)) = value {
            self.put(chunk, value);
        }
    }

    fn put(&self, chunk: ChunkId, value: Value) {
        let page = self.pages.get(chunk.bucket().get() as usize);
        let page = page.map(|page| {
            page.get_or_init(|| Box::new([const { AtomicU8::new(0) }; CHUNKS_PER_BUCKET as usize]))
        });
        if let Some(byte) = page.and_then(|page| page.get(position(chunk))) {
            let lifecycle = PackedStates(byte.load(Ordering::Relaxed)).with(value);
            byte.store(lifecycle.0, Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.together.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a chunk is in its bucket.
const fn position(chunk: ChunkId) -> usize {
    (chunk.get() % CHUNKS_PER_BUCKET) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lifecycle_is_kept() {
        let artifacts = || {
            let states = ArtifactState::ALL.into_iter().map(Some);
            std::iter::once(None).chain(states)
        };
        let hots = || std::iter::once(None).chain(HotState::ALL.into_iter().map(Some));
        let mut seen = std::collections::BTreeSet::new();
        for ledgers in artifacts() {
            for events in artifacts() {
                for txhash in artifacts() {
                    for hot in hots() {
                        let lifecycle = PackedStates::NOTHING
                            .with(Value::Hot(hot))
                            .with(Value::Artifact(ArtifactKind::Ledgers, ledgers))
                            .with(Value::Artifact(ArtifactKind::TxHash, txhash))
                            .with(Value::Artifact(ArtifactKind::Events, events));
                        assert_eq!(lifecycle.artifact(ArtifactKind::Ledgers), ledgers);
                        assert_eq!(lifecycle.artifact(ArtifactKind::Events), events);
                        assert_eq!(lifecycle.artifact(ArtifactKind::TxHash), txhash);
                        assert_eq!(lifecycle.hot(), hot);
                        assert!(!lifecycle.is_unrecognised());
                        assert!(seen.insert(lifecycle.0), "{lifecycle:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_odd_chunk_stays_odd() {
        let unrecognised = PackedStates::NOTHING.with(Value::Unrecognised);
        assert!(unrecognised.is_unrecognised());
        assert!(
            unrecognised
                .with(Value::Hot(Some(HotState::Ready)))
                .is_unrecognised()
        );
        let frozen = Value::Artifact(ArtifactKind::Ledgers, Some(ArtifactState::Frozen));
        assert!(unrecognised.with(frozen).is_unrecognised());
    }
}
