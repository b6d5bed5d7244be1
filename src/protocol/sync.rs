//! The primitives for threads that `claims`, `combiner`, `place`, `poison`, `readers`, `rounds` and `state_pages` use.
//!
//! The test program `threads` includes those files as they are, and puts the model checker's primitives in the place
//! of these.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8 as AtomicWord, Ordering, fence};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// A value that counts its holders. [`Arc`] counts them already, and a second counter would double the cost of a
/// lease.
pub(super) struct Counted<T>(Arc<T>);

impl<T> Counted<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Returns the number of holders besides this one. The load is relaxed: the caller puts a fence before it.
    pub(super) fn others(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl<T> Clone for Counted<T> {
    /// Counts one more holder. The increment is relaxed: the caller puts a fence behind it.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::ops::Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
