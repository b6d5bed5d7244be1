//! The first-failure latch.

use std::sync::OnceLock;

use crate::error::{Fatal, FatalCause, IoFailure, Poisoned, StoreFailure};

/// Remembers the first fatal failure of a catalog, for ever.
#[derive(Default)]
pub(crate) struct Poison {
    first: OnceLock<Fatal>,
}

impl Poison {
    /// Refuses if there has been a fatal failure.
    pub(crate) fn check(&self) -> Result<(), Poisoned> {
        match self.first.get() {
            None => Ok(()),
            Some(first) => Err(Poisoned::new(first)),
        }
    }

    /// An fsync failed.
    pub(crate) fn sync_failed(&self, failure: IoFailure) -> Fatal {
        self.latch(Fatal::new(FatalCause::Sync(failure)))
    }

    /// A commit failed.
    pub(crate) fn commit_failed(&self, failure: StoreFailure) -> Fatal {
        self.latch(Fatal::new(FatalCause::Commit(failure)))
    }

    /// The caller gets its own failure; the latch keeps the first.
    fn latch(&self, failure: Fatal) -> Fatal {
        let _kept = self.first.get_or_init(|| failure.clone());
        failure
    }
}
