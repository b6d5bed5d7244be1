//! The record of a catalog's first fatal failure.

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};
use crate::failure::{Fatal, FatalCause, IoFailure, Poisoned, StoreFailure};

/// The first fatal failure of a catalog, kept until the catalog is opened again.
#[derive(Default)]
pub(crate) struct Poison {
    /// Whether there is one, for a check without a lock.
    is_set: AtomicBool,
    first: Mutex<Option<Fatal>>,
}

impl Poison {
    /// Refuses after a fatal failure.
    pub(crate) fn check(&self) -> Result<(), Poisoned> {
        if self.is_set() {
            return self.check_kept();
        }
        Ok(())
    }

    #[cold]
    fn check_kept(&self) -> Result<(), Poisoned> {
        self.check_sync().map_err(|first| Poisoned::new(&first))
    }

    /// Refuses after a fatal failure, with that failure. A sync that may go through the descriptor of a failed one is
    /// not issued.
    pub(crate) fn check_sync(&self) -> Result<(), Fatal> {
        if self.is_set() {
            return self.lock().clone().map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// Returns whether there is a failure. Each read of a state asks.
    fn is_set(&self) -> bool {
        // Acquire: a thread that sees the failure also sees everything that came before it.
        self.is_set.load(Ordering::Acquire)
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

    /// Forgets the failure. The caller has opened the store again, and no handle from before exists.
    pub(crate) fn forget(&self) {
        let mut first = self.lock();
        *first = None;
        // Release: a thread that sees no failure any more sees the states that were read again.
        self.is_set.store(false, Ordering::Release);
    }

    /// Keeps the first failure. Returns the caller's own failure.
    fn latch(&self, failure: Fatal) -> Fatal {
        let mut first = self.lock();
        first.get_or_insert_with(|| failure.clone());
        self.is_set.store(true, Ordering::Release);
        failure
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fatal>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
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
