//! The first-failure latch.

use std::sync::OnceLock;

use crate::failure::{Fatal, FatalCause, IoFailure, Poisoned, StoreFailure};

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

    /// Runs a step whose end must be known: if it panics, its outcome is not.
    pub(crate) fn if_it_panics<T>(&self, step: impl FnOnce() -> T) -> T {
        let mut unwinding = Unwinding(Some(self));
        let outcome = step();
        unwinding.0 = None;
        outcome
    }

    /// The caller gets its own failure; the latch keeps the first.
    fn latch(&self, failure: Fatal) -> Fatal {
        let _kept = self.first.get_or_init(|| failure.clone());
        failure
    }
}

/// Poisons when it is dropped, unless the step has come to its end.
struct Unwinding<'a>(Option<&'a Poison>);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if let Some(poison) = self.0 {
            poison.latch(Fatal::new(FatalCause::Panicked));
        }
    }
}
