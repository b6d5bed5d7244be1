//! Typed scans over the catalog: of its states in memory, so without a read for each key.

use std::ops::RangeInclusive;

use crate::domain::{ArtifactKey, ArtifactKind, ArtifactState, ChunkId, HotKey, HotState};
use crate::failure::ReadError;
use crate::protocol::{PackedStates, Shared};

/// The kinds in the order of their keys' bytes.
const BY_SPELLING: [ArtifactKind; 3] = [
    ArtifactKind::Events,
    ArtifactKind::Ledgers,
    ArtifactKind::TxHash,
];

/// The chunks of a range that have any key, each with what it has, taken all at once.
struct Chunks<'a> {
    shared: &'a Shared,
    range: RangeInclusive<ChunkId>,
    runs: std::vec::IntoIter<(u32, Vec<PackedStates>)>,
    /// The next chunk's number, and what follows in its run.
    number: u32,
    run: std::vec::IntoIter<PackedStates>,
}

impl<'a> Chunks<'a> {
    fn new(shared: &'a Shared, range: RangeInclusive<ChunkId>) -> Self {
        let (from, to) = (range.start().bucket(), range.end().bucket());
        Self {
            shared,
            range,
            runs: shared.states.of_buckets(from, to).into_iter(),
            number: 0,
            run: Vec::new().into_iter(),
        }
    }

    fn all(shared: &'a Shared) -> Self {
        Self::new(shared, ChunkId::MIN..=ChunkId::MAX)
    }
}

impl Iterator for Chunks<'_> {
    type Item = (ChunkId, PackedStates);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for lifecycle in self.run.by_ref() {
                let number = self.number;
                self.number += 1;
                if lifecycle == PackedStates::NOTHING {
                    continue;
                }
                let chunk = ChunkId::new(number).ok();
                if let Some(chunk) = chunk.filter(|chunk| self.range.contains(chunk)) {
                    return Some((chunk, lifecycle));
                }
            }
            let (first, run) = self.runs.next()?;
            self.number = first;
            self.run = run.into_iter();
        }
    }
}

/// Every artifact key with its state; see
/// [`Catalog::chunk_artifact_keys`](crate::Catalog::chunk_artifact_keys).
pub struct ArtifactKeys<'a> {
    chunks: Chunks<'a>,
    /// The chunk that the scan is in, and which kinds of it are still to come.
    current: (ChunkId, PackedStates),
    kinds: std::slice::Iter<'static, ArtifactKind>,
}

/// Every hot key with its state; see [`Catalog::hot_chunk_keys`](crate::Catalog::hot_chunk_keys).
pub struct HotKeys<'a> {
    chunks: Chunks<'a>,
}

/// Every hot key that is ready; see
/// [`Catalog::ready_hot_chunk_keys`](crate::Catalog::ready_hot_chunk_keys).
pub struct ReadyHotKeys<'a> {
    keys: HotKeys<'a>,
}

/// The states of the chunks of a range; see [`Catalog::chunk_states`](crate::Catalog::chunk_states).
pub struct ChunkStates<'a> {
    chunks: Chunks<'a>,
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

impl<'a> ArtifactKeys<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            chunks: Chunks::all(shared),
            current: (ChunkId::MIN, PackedStates::NOTHING),
            kinds: [].iter(),
        }
    }
}

impl<'a> HotKeys<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            chunks: Chunks::all(shared),
        }
    }
}

impl<'a> ReadyHotKeys<'a> {
    pub(crate) fn new(keys: HotKeys<'a>) -> Self {
        Self { keys }
    }
}

impl<'a> ChunkStates<'a> {
    pub(crate) fn new(shared: &'a Shared, range: RangeInclusive<ChunkId>) -> Self {
        Self {
            chunks: Chunks::new(shared, range),
        }
    }
}

impl Iterator for ArtifactKeys<'_> {
    type Item = Result<(ArtifactKey, ArtifactState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (chunk, lifecycle) = self.current;
            for kind in self.kinds.by_ref() {
                let kind = *kind;
                let state = if lifecycle.is_unrecognised() {
                    self.chunks.shared.state(chunk, kind).transpose()
                } else {
                    lifecycle.artifact(kind).map(Ok)
                };
                if let Some(state) = state {
                    return Some(state.map(|state| (ArtifactKey { chunk, kind }, state)));
                }
            }
            self.current = self.chunks.next()?;
            self.kinds = BY_SPELLING.iter();
        }
    }
}

impl Iterator for HotKeys<'_> {
    type Item = Result<(HotKey, HotState), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (chunk, lifecycle) = self.chunks.next()?;
            let state = if lifecycle.is_unrecognised() {
                self.chunks.shared.hot_state(chunk).transpose()
            } else {
                lifecycle.hot().map(Ok)
            };
            if let Some(state) = state {
                return Some(state.map(|state| (HotKey { chunk }, state)));
            }
        }
    }
}

impl Iterator for ReadyHotKeys<'_> {
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

impl Iterator for ChunkStates<'_> {
    /// An error for a chunk of which one value is none of its key's: ask for its keys one by one.
    type Item = Result<ChunkState, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (chunk, lifecycle) = self.chunks.next()?;
        if lifecycle.is_unrecognised() {
            return Some(ask(self.chunks.shared, chunk));
        }
        Some(Ok(ChunkState {
            chunk,
            ledgers: lifecycle.artifact(ArtifactKind::Ledgers),
            events: lifecycle.artifact(ArtifactKind::Events),
            txhash: lifecycle.artifact(ArtifactKind::TxHash),
            hot: lifecycle.hot(),
        }))
    }
}

/// The values of a chunk in the store.
fn ask(shared: &Shared, chunk: ChunkId) -> Result<ChunkState, ReadError> {
    Ok(ChunkState {
        chunk,
        ledgers: shared.state(chunk, ArtifactKind::Ledgers)?,
        events: shared.state(chunk, ArtifactKind::Events)?,
        txhash: shared.state(chunk, ArtifactKind::TxHash)?,
        hot: shared.hot_state(chunk)?,
    })
}
