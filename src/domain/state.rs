//! The durable states: the values that keys have in the catalog.

use std::fmt;

/// What the catalog says of a file artifact. A key that is absent has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactState {
    /// Marked: its files may be missing, partial or whole. Never read.
    Freezing,
    /// Its files and the directory entries that lead to them are whole on stable storage.
    Frozen,
    /// On its way out: its files may be there or gone. No new reader is let in.
    Pruning,
}

impl ArtifactState {
    /// Every state, in the order of an artifact's life.
    pub const ALL: [Self; 3] = [Self::Freezing, Self::Frozen, Self::Pruning];

    /// The stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Freezing => "freezing",
            Self::Frozen => "frozen",
            Self::Pruning => "pruning",
        }
    }

    /// The state that a stored value stands for, if it is one.
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

/// What the catalog says of a chunk's hot directory. A key that is absent has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HotState {
    /// Being created or being discarded: the directory may be missing, partial or whole.
    Transient,
    /// The directory is durably there, and may be the only copy of its ledgers.
    Ready,
}

impl HotState {
    /// Every state, in the order of a hot directory's life.
    pub const ALL: [Self; 2] = [Self::Transient, Self::Ready];

    /// The stored value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ready => "ready",
        }
    }

    /// The state that a stored value stands for, if it is one.
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

/// How many keys are in a state that nobody may rely on: what a crash can leave, and what
/// [`Catalog::recover`](crate::Catalog::recover) settles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[must_use = "keys that a crash has left are settled by `Catalog::recover` only"]
pub struct Unfinished {
    /// Keys at `freezing`: files that may be missing, partial or whole, and are never read.
    pub freezing: usize,
    /// Keys at `pruning`: a removal that was begun and not finished.
    pub pruning: usize,
    /// Keys at `transient`: hot directories that were being created or discarded.
    pub transient: usize,
}

impl Unfinished {
    /// Whether there is nothing to recover.
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
