//! Typed scans over the catalog: of its states in memory, so without a read for each key.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, CHUNKS_PER_BUCKET, ChunkId, HotKey, HotState,
    IndexKey, ValueError,
};
use crate::failure::ReadError;
use crate::protocol::{PackedStates, Snapshot};

/// The kinds in the order of their keys' bytes.
const BY_SPELLING: [ArtifactKind; 3] = [
    ArtifactKind::Events,
    ArtifactKind::Ledgers,
    ArtifactKind::TxHash,
];

/// The chunks of a range that have any key, each with its states at one instant.
struct Chunks {
    states: Arc<Snapshot>,
    /// The numbers of the chunks that are still to come.
    numbers: Range<u32>,
}

impl Chunks {
    fn new(states: Arc<Snapshot>, range: &RangeInclusive<ChunkId>) -> Self {
        let numbers = range.start().get()..range.end().get() + 1;
        Self { states, numbers }
    }

    fn all(states: Arc<Snapshot>) -> Self {
        Self::new(states, &(ChunkId::MIN..=ChunkId::MAX))
    }
}

impl Iterator for Chunks {
    type Item = (ChunkId, PackedStates);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.numbers.is_empty() {
            let chunk = ChunkId::new(self.numbers.start).ok()?;
            let (from, bucket) = (chunk.get() % CHUNKS_PER_BUCKET, chunk.bucket());
            let words = self.states.bucket(bucket).skip(from as usize);
            let rest = (self.numbers.start..self.numbers.end).zip(words);
            let mut present = rest.filter(|(_, states)| *states != PackedStates::NOTHING);
            if let Some((number, states)) = present.next() {
                self.numbers.start = number + 1;
                return Some((ChunkId::new(number).ok()?, states));
            }
            self.numbers.start += CHUNKS_PER_BUCKET - from;
        }
        None
    }
}

/// Every artifact key with its state; see
/// [`Catalog::chunk_artifact_keys`](crate::Catalog::chunk_artifact_keys).
pub struct ArtifactKeys {
    chunks: Chunks,
    /// The chunk that the scan is in, and which kinds of it are still to come.
    current: (ChunkId, PackedStates),
    kinds: std::slice::Iter<'static, ArtifactKind>,
}

/// Every hot key with its state; see [`Catalog::hot_chunk_keys`](crate::Catalog::hot_chunk_keys).
pub struct HotKeys {
    chunks: Chunks,
}

/// Every hot key that is ready; see
/// [`Catalog::ready_hot_chunk_keys`](crate::Catalog::ready_hot_chunk_keys).
pub struct ReadyHotKeys {
    keys: HotKeys,
}

/// Every index key with its state; see [`Catalog::index_keys`](crate::Catalog::index_keys).
pub struct IndexKeys {
    keys: std::vec::IntoIter<Result<(IndexKey, ArtifactState), ValueError>>,
}

/// The states of the chunks of a range; see [`Catalog::chunk_states`](crate::Catalog::chunk_states).
pub struct ChunkStates {
    chunks: Chunks,
}

/// The states of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkState {
    /// The chunk.
    pub chunk: ChunkId,
    /// The state of its ledgers, or `None` if the key is absent.
    pub ledgers: Option<ArtifactState>,
    /// The state of its events.
    pub events: Option<ArtifactState>,
    /// The state of its transaction hashes.
    pub txhash: Option<ArtifactState>,
    /// The state of its hot directory.
    pub hot: Option<HotState>,
}

impl ArtifactKeys {
    pub(crate) fn new(states: Arc<Snapshot>) -> Self {
        Self {
            chunks: Chunks::all(states),
            current: (ChunkId::MIN, PackedStates::NOTHING),
            kinds: [].iter(),
        }
    }
}

impl HotKeys {
    pub(crate) fn new(states: Arc<Snapshot>) -> Self {
        Self {
            chunks: Chunks::all(states),
        }
    }
}

impl IndexKeys {
    pub(crate) fn new(states: &Snapshot) -> Self {
        // A node has few indexes, so copying their keys costs less than sharing them.
        let keys: Vec<_> = states.indexes().iter().collect();
        Self {
            keys: keys.into_iter(),
        }
    }
}

impl Iterator for IndexKeys {
    type Item = Result<(IndexKey, ArtifactState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.keys.next()?.map_err(ReadError::from))
    }
}

impl ReadyHotKeys {
    pub(crate) fn new(keys: HotKeys) -> Self {
        Self { keys }
    }
}

impl ChunkStates {
    pub(crate) fn new(states: Arc<Snapshot>, range: &RangeInclusive<ChunkId>) -> Self {
        Self {
            chunks: Chunks::new(states, range),
        }
    }
}

impl Iterator for ArtifactKeys {
    type Item = Result<(ArtifactKey, ArtifactState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (chunk, lifecycle) = self.current;
            for kind in self.kinds.by_ref() {
                let kind = *kind;
                let key = ArtifactKey { chunk, kind };
                let state = if lifecycle.is_unrecognised() {
                    self.chunks.states.get(key).transpose()
                } else {
                    lifecycle.artifact(kind).map(Ok)
                };
                if let Some(state) = state {
                    return Some(state.map(|state| (key, state)).map_err(ReadError::from));
                }
            }
            self.current = self.chunks.next()?;
            self.kinds = BY_SPELLING.iter();
        }
    }
}

impl Iterator for HotKeys {
    type Item = Result<(HotKey, HotState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (chunk, _) = self.chunks.next()?;
            let key = HotKey { chunk };
            if let Some(state) = self.chunks.states.hot(key).transpose() {
                return Some(state.map(|state| (key, state)).map_err(ReadError::from));
            }
        }
    }
}

impl Iterator for ReadyHotKeys {
    type Item = Result<HotKey, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.keys.next()? {
                Ok((key, HotState::Ready)) => return Some(Ok(key)),
                Ok((_, HotState::Transient)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for ChunkStates {
    /// A chunk with an unrecognised value is an error: ask for its keys one by one.
    type Item = Result<ChunkState, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (chunk, _) = self.chunks.next()?;
        Some(ChunkState::at(&self.chunks.states, chunk).map_err(ReadError::from))
    }
}

impl ChunkState {
    /// The states of a chunk at one instant.
    pub(crate) fn at(states: &Snapshot, chunk: ChunkId) -> Result<Self, ValueError> {
        let artifact = |kind| states.artifact(ArtifactKey { chunk, kind });
        Ok(Self {
            chunk,
            ledgers: artifact(ArtifactKind::Ledgers)?,
            events: artifact(ArtifactKind::Events)?,
            txhash: artifact(ArtifactKind::TxHash)?,
            hot: states.hot(HotKey { chunk })?,
        })
    }
}
