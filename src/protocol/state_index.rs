//! The states of every chunk in memory: one byte for each chunk, equal to the durable catalog.
//!
//! A `u32` of ledgers has at most 429,496 chunks. A chunk has three artifacts of four states and a hot
//! directory of three states, which fit eight bits. The whole index therefore fits in 440 KB, and a lookup
//! costs no read.
//!
//! The index cannot disagree with the catalog. It is filled from the catalog at the start. Only the
//! function that commits changes it, after the synced write has returned and before the commit returns. A
//! commit whose outcome is unknown poisons the catalog, and a poisoned catalog refuses all reads.

use super::place::{Place, Word};
use super::state_pages::StatePages;
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, BucketId, CHUNKS_PER_BUCKET, ChunkId, HotKey,
    HotState, Key, Unfinished,
};
use crate::failure::StoreFailure;
use crate::store::Store;

pub(super) const BUCKETS: usize = ChunkId::MAX.bucket().get() as usize + 1;
pub(super) const CHUNKS: usize = CHUNKS_PER_BUCKET as usize;

/// The states of one chunk in the catalog: two bits for each kind, in canonical order from the lowest, then
/// two bits for the hot directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackedStates(Word);

/// The number of bits of one key's value.
const WIDTH: u32 = 2;
const MASK: Word = 0b11;
/// Behind the last kind.
const HOT_SHIFT: u32 = kind_shift(ArtifactKind::TxHash) + WIDTH;
const _: () = assert!(
    HOT_SHIFT + WIDTH <= Word::BITS,
    "the values of a chunk fit a `Word`"
);
/// Stored in the hot bits: this chunk has at least one unrecognised value, and only the store has the
/// values of the chunk's keys.
const UNRECOGNISED: Word = 0b11;

impl PackedStates {
    pub(crate) const NOTHING: Self = Self(0);

    const fn bits(self, shift: u32) -> Word {
        (self.0 >> shift) & MASK
    }

    #[must_use]
    const fn with_bits(self, shift: u32, bits: Word) -> Self {
        Self(self.0 & !(MASK << shift) | bits << shift)
    }

    /// Returns whether the values of this chunk must be read from the store.
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

    /// Returns these states with one value changed. An unrecognised chunk stays unrecognised.
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

const fn artifact_bits(state: Option<ArtifactState>) -> Word {
    match state {
        None => 0,
        Some(ArtifactState::Freezing) => 1,
        Some(ArtifactState::Frozen) => 2,
        Some(ArtifactState::Pruning) => 3,
    }
}

const fn hot_bits(state: Option<HotState>) -> Word {
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
    /// Decodes the stored value of a key. Returns `None` if the key belongs to no chunk.
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
            Key::EarliestLedger | Key::Index(_) => return None,
        })
    }
}

/// The index's knowledge of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The value, or `None` if the key is absent.
    Is(Option<&'static str>),
    /// The value is in the store only.
    AskTheStore,
}

/// The states of all chunks.
pub(crate) struct States {
    /// A page for each bucket.
    pages: StatePages,
}

impl States {
    /// Reads the whole catalog, and counts the unfinished keys that a crash has left in it. An unrecognised
    /// value is not counted, because a person must repair it.
    pub(crate) fn load(store: &Store) -> Result<(Self, Unfinished), StoreFailure> {
        let states = Self {
            pages: StatePages::new(BUCKETS, CHUNKS),
        };
        let mut unfinished = Unfinished::default();
        store.for_each(|key, stored| {
            // An entry without the canonical spelling of a key is skipped: the audit reports it.
            let value = Key::recognize(key).and_then(|key| Value::decode(key, Some(stored)));
            let Some((chunk, value)) = value else {
                return;
            };
            match value {
                Value::Artifact(_, Some(state)) => unfinished.count_artifact(state),
                Value::Hot(Some(state)) => unfinished.count_hot(state),
                _ => {}
            }
            states.put([(chunk, value)]);
        })?;
        Ok((states, unfinished))
    }

    /// Returns the states of one chunk.
    pub(crate) fn of(&self, chunk: ChunkId) -> PackedStates {
        PackedStates(self.pages.load(place(chunk)))
    }

    /// Returns the value that the store holds under a key, if the index knows it.
    pub(crate) fn stored(&self, key: Key) -> Stored {
        let (chunk, kind) = match key {
            Key::Artifact(ArtifactKey { chunk, kind }) => (chunk, Some(kind)),
            Key::Hot(HotKey { chunk }) => (chunk, None),
            Key::EarliestLedger | Key::Index(_) => return Stored::AskTheStore,
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

    /// Returns the states of all chunks of these buckets that have any key, from between the same two
    /// commits. Each run starts with the number of its first chunk.
    pub(crate) fn of_buckets(&self, from: BucketId, to: BucketId) -> Vec<(u32, Vec<PackedStates>)> {
        let pages = from.get() as usize..=to.get() as usize;
        let runs = self.pages.read(pages).into_iter().map(|(page, cells)| {
            let first = u32::try_from(page).unwrap_or(u32::MAX) * CHUNKS_PER_BUCKET;
            (first, cells.into_iter().map(PackedStates).collect())
        });
        runs.collect()
    }

    /// Applies the committed changes of one write. Only one caller at a time may call this.
    pub(crate) fn apply<'a>(&self, changes: impl IntoIterator<Item = (Key, Option<&'a str>)>) {
        self.put(
            changes
                .into_iter()
                .filter_map(|(key, stored)| Value::decode(key, stored.map(str::as_bytes))),
        );
    }

    /// Records a write to the store that bypassed the protocol.
    #[cfg(feature = "sim")]
    pub(crate) fn planted(&self, key: &[u8], stored: Option<&[u8]>) {
        let value = Key::recognize(key).and_then(|key| Value::decode(key, stored));
        self.put(value);
    }

    fn put(&self, values: impl IntoIterator<Item = (ChunkId, Value)>) {
        let changes = values.into_iter().map(|(chunk, value)| {
            let change = move |cell| PackedStates(cell).with(value).0;
            (place(chunk), change)
        });
        self.pages.update(changes);
    }
}

/// Returns the place of a chunk's states.
pub(super) const fn place(chunk: ChunkId) -> Place {
    Place {
        page: chunk.bucket().get() as usize,
        cell: (chunk.get() % CHUNKS_PER_BUCKET) as usize,
    }
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
