//! Rounds: syncs that threads share, each with one fate for all threads in it.

use super::combiner::Combiner;
use super::poison::Poison;
use crate::failure::Fatal;

/// The syncs through one descriptor. The kernel reports a failure once to each descriptor, so that the next sync
/// through it may succeed.
pub(crate) struct Rounds<R> {
    threads: Combiner<R, Result<(), Fatal>>,
}

impl<R> Default for Rounds<R> {
    fn default() -> Self {
        Self {
            threads: Combiner::default(),
        }
    }
}

impl<R> Rounds<R> {
    /// Joins a round, which begins after this call, and returns its outcome. One of its threads runs `sync`, with the
    /// requests of all.
    ///
    /// Only [`Poison`] makes a [`Fatal`], so a failure of `sync` has poisoned the catalog before the next round begins,
    /// and before any thread of this round hears of it. A panic poisons it, too.
    pub(crate) fn join(
        &self,
        request: R,
        poison: &Poison,
        sync: impl FnOnce(&[R]) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let outcome = self.threads.run(request, |requests| {
            poison.if_it_panics(|| {
                let synced = sync(&requests);
                vec![synced; requests.len()]
            })
        });
        outcome.unwrap_or_else(|| Err(poison.panicked()))
    }

    #[cfg(feature = "sim")]
    pub(crate) fn gather_for_test(&self, threads: usize) {
        self.threads.gather_for_test(threads);
    }
}
