//! The durable states: the values that keys have in the catalog.

use std::fmt;

/// The state of a file artifact in the catalog. An absent key has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactState {
    /// The artifact is marked: its files may be missing, partial or complete, and are never read.
    Freezing,
    /// The artifact's files, and the directory entries that lead to them, are complete on stable storage.
    Frozen,
    /// The artifact is being removed: its files may be present or absent, and new readers are refused.
    Pruning,
}

impl ArtifactState {
    /// Every state, in the order of an artifact's life.
    pub const ALL: [Self; 3] = [Self::Freezing, Self::Frozen, Self::Pruning];

    /// Returns the stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Freezing => "freezing",
            Self::Frozen => "frozen",
            Self::Pruning => "pruning",
        }
    }

    /// Returns the state that a stored value stands for, or `None` if the value is unrecognised.
    #[must_use]
    pub fn from_stored(value: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().as_bytes() == value)
    }
}

impl fmt::Display for ArtifactState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a chunk's hot directory in the catalog. An absent key has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HotState {
    /// The directory is being created or discarded: it may be missing, partial or complete.
    Transient,
    /// The directory is durable, and may be the only copy of its ledgers.
    Ready,
}

impl HotState {
    /// Every state, in the order of a hot directory's life.
    pub const ALL: [Self; 2] = [Self::Transient, Self::Ready];

    /// Returns the stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ready => "ready",
        }
    }

    /// Returns the state that a stored value stands for, or `None` if the value is unrecognised.
    #[must_use]
    pub fn from_stored(value: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str().as_bytes() == value)
    }
}

impl fmt::Display for HotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of keys in a state that readers may not rely on. A crash can leave such keys, and
/// [`Catalog::recover`](crate::Catalog::recover) handles them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[must_use = "keys that a crash has left are settled by `Catalog::recover` only"]
pub struct Unfinished {
    /// Keys at `freezing`: their files may be missing, partial or complete, and are never read.
    pub freezing: usize,
    /// Keys at `pruning`: their removal was begun and not finished.
    pub pruning: usize,
    /// Keys at `transient`: their hot directories were being created or discarded.
    pub transient: usize,
}

impl Unfinished {
    /// Returns whether no key needs recovery.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.freezing == 0 && self.pruning == 0 && self.transient == 0
    }

    pub(crate) const fn count_artifact(&mut self, state: ArtifactState) {
        match state {
            ArtifactState::Freezing => self.freezing += 1,
            ArtifactState::Pruning => self.pruning += 1,
            ArtifactState::Frozen => {}
        }
    }

    pub(crate) const fn count_hot(&mut self, state: HotState) {
        match state {
            HotState::Transient => self.transient += 1,
            HotState::Ready => {}
        }
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing");
        }
        let Self {
            freezing,
            pruning,
            transient,
        } = self;
        write!(
            f,
            "{freezing} freezing, {pruning} pruning, {transient} transient"
        )
    }
}
