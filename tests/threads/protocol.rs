//! The included files, and the primitives for them.

#[path = "../../src/protocol/claims.rs"]
pub mod claims;
#[path = "../../src/protocol/combiner.rs"]
pub mod combiner;
#[path = "../../src/protocol/keyed_readers.rs"]
pub mod keyed_readers;
#[path = "../../src/protocol/place.rs"]
pub mod place;
#[path = "../../src/protocol/poison.rs"]
pub mod poison;
#[path = "../../src/protocol/readers.rs"]
pub mod readers;
#[path = "../../src/protocol/rounds.rs"]
pub mod rounds;
#[path = "../../src/protocol/state_pages.rs"]
pub mod state_pages;

pub mod sync {
    //! As `src/protocol/sync.rs`, for the model checker. An `Arc` only keeps memory, so it is the standard library's.

    pub use std::sync::{Arc, PoisonError};

    pub use loom::sync::atomic::{
        AtomicBool, AtomicU8 as AtomicWord, AtomicUsize, Ordering, fence,
    };
    pub use loom::sync::{Condvar, Mutex, MutexGuard};

    /// The counter has the orderings of the standard library's `Arc`.
    pub struct Counted<T>(Arc<(AtomicUsize, T)>);

    impl<T> Counted<T> {
        pub fn new(value: T) -> Self {
            Self(Arc::new((AtomicUsize::new(1), value)))
        }

        pub fn others(&self) -> usize {
            self.0.0.load(Ordering::Relaxed) - 1
        }
    }

    impl<T> Clone for Counted<T> {
        fn clone(&self) -> Self {
            self.0.0.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(&self.0))
        }
    }

    impl<T> Drop for Counted<T> {
        fn drop(&mut self) {
            self.0.0.fetch_sub(1, Ordering::Release);
        }
    }

    impl<T> std::ops::Deref for Counted<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0.1
        }
    }

    /// The flag has the orderings of the standard library's `OnceLock`.
    pub struct OnceLock<T> {
        is_set: AtomicBool,
        setting: Mutex<()>,
        value: std::sync::OnceLock<T>,
    }

    impl<T> OnceLock<T> {
        pub fn new() -> Self {
            Self {
                is_set: AtomicBool::new(false),
                setting: Mutex::new(()),
                value: std::sync::OnceLock::new(),
            }
        }

        pub fn get(&self) -> Option<&T> {
            self.is_set
                .load(Ordering::Acquire)
                .then(|| self.value.get().unwrap())
        }

        pub fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
            // No load comes first: the model checker would take it for the last access of the flag, and would not see
            // that the store below depends on the loads of other threads.
            let _setting = self.setting.lock().unwrap();
            if self.value.get().is_none() {
                assert!(self.value.set(init()).is_ok());
                self.is_set.store(true, Ordering::Release);
            }
            self.value.get().unwrap()
        }
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            Self::new()
        }
    }
}
