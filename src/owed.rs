//! [`Owed`]: what only recovery settles.

use std::fmt;

use crate::state::{ArtifactState, HotState};

/// How many keys are in a state that nobody may rely on: what a crash can leave, and what
/// [`Catalog::recover`](crate::Catalog::recover) settles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[must_use = "keys that a crash has left are settled by `Catalog::recover` only"]
pub struct Owed {
    /// Keys at `freezing`: files that may be missing, partial or whole, and are never read.
    pub freezing: usize,
    /// Keys at `pruning`: a removal that was begun and not finished.
    pub pruning: usize,
    /// Keys at `transient`: hot directories that were being created or discarded.
    pub transient: usize,
}

impl Owed {
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

impl fmt::Display for Owed {
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
