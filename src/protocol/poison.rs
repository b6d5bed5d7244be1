//! The record of a catalog's first fatal failure.

use super::sync::OnceLock;
use crate::failure::{Fatal, FatalCause, IoFailure, Poisoned, StoreFailure};

/// The first fatal failure of a catalog, kept for ever.
#[derive(Default)]
pub(crate) struct Poison {
    first: OnceLock<Fatal>,
}

impl Poison {
    /// Refuses after a fatal failure.
    pub(crate) fn check(&self) -> Result<(), Poisoned> {
        match self.first.get() {
            None => Ok(()),
            Some(first) => Err(Poisoned::new(first)),
        }
    }

    /// Refuses after a fatal failure, with that failure. A sync that may go through the descriptor of a failed one is
    /// not issued.
    pub(crate) fn check_sync(&self) -> Result<(), Fatal> {
        self.first.get().map_or(Ok(()), |first| Err(first.clone()))
    }

    /// Records that an fsync failed.
    pub(crate) fn sync_failed(&self, failure: IoFailure) -> Fatal {
        self.latch(Fatal::new(FatalCause::Sync(failure)))
    }

    /// Records that a commit failed.
    pub(crate) fn commit_failed(&self, failure: StoreFailure) -> Fatal {
        self.latch(Fatal::new(FatalCause::Commit(failure)))
    }

    /// Records that a thread panicked in a step that it ran for several threads.
    pub(crate) fn panicked(&self) -> Fatal {
        self.latch(Fatal::new(FatalCause::Panicked))
    }

    /// Runs a step and poisons the catalog if the step panics, because the outcome of the step is then
    /// unknown.
    pub(crate) fn if_it_panics<T>(&self, step: impl FnOnce() -> T) -> T {
        let mut unwinding = Unwinding(Some(self));
        let outcome = step();
        unwinding.0 = None;
        outcome
    }

    /// Keeps the first failure. Returns the caller's own failure.
    fn latch(&self, failure: Fatal) -> Fatal {
        let _kept = self.first.get_or_init(|| failure.clone());
        failure
    }
}

/// A guard that poisons the catalog when it is dropped before the step has ended.
struct Unwinding<'a>(Option<&'a Poison>);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if let Some(poison) = self.0 {
            poison.panicked();
        }
    }
}
