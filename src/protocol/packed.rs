//! The states of one chunk, packed into one word.

use super::place::Word;
use crate::domain::{ArtifactKey, ArtifactKind, ArtifactState, ChunkId, HotKey, HotState, Key};

/// The states of one chunk in the catalog: two bits for each kind, in canonical order from the lowest, then
/// two bits for the hot directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackedStates(pub(super) Word);

/// The number of bits of one key's value.
const WIDTH: u32 = 2;
const MASK: Word = 0b11;
/// Behind the last kind.
const HOT_SHIFT: u32 = kind_shift(ArtifactKind::TxHash) + WIDTH;
const _: () = assert!(
    HOT_SHIFT + WIDTH <= Word::BITS,
    "the values of a chunk fit a `Word`"
);
/// Stored in the hot bits: this chunk has at least one unrecognised value, and the values of its keys are kept as they
/// are stored.
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

    /// Returns whether the values of this chunk are kept as they are stored.
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
    pub(super) fn with(self, value: Value) -> Self {
        match value {
            _ if self.is_unrecognised() => self,
            Value::Artifact(kind, state) => self.with_bits(kind_shift(kind), artifact_bits(state)),
            Value::Hot(state) => self.with_bits(HOT_SHIFT, hot_bits(state)),
            Value::Unrecognised => Self::NOTHING.with_bits(HOT_SHIFT, UNRECOGNISED),
        }
    }

    /// Returns the keys of a chunk that are present, each with its value.
    pub(super) fn stored(self, chunk: ChunkId) -> impl Iterator<Item = (Key, &'static str)> {
        let artifacts = ArtifactKind::ALL.into_iter().filter_map(move |kind| {
            let state = self.artifact(kind)?;
            Some((ArtifactKey { chunk, kind }.into(), state.as_str()))
        });
        let hot = self
            .hot()
            .map(|state| (HotKey { chunk }.into(), state.as_str()));
        artifacts.chain(hot)
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
pub(super) enum Value {
    Artifact(ArtifactKind, Option<ArtifactState>),
    Hot(Option<HotState>),
    Unrecognised,
}

impl Value {
    /// Decodes the stored value of a key. Returns `None` if the key belongs to no chunk.
    pub(super) fn decode(key: Key, stored: Option<&[u8]>) -> Option<(ChunkId, Self)> {
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
