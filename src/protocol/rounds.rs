//! Rounds: the syncs through one descriptor, which threads share.
//!
//! A thread takes a [`Mark`] when it has written something, and later asks for a round that began after the mark. Such
//! a round may have been run by another thread in the meantime. Otherwise the thread waits for the round that is under
//! way, and runs one itself, or finds that another waiting thread has run one.

use super::poison::Poison;
use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use crate::failure::Fatal;

/// The syncs through one descriptor. The kernel reports a failure once to each descriptor, so that the next sync
/// through it may succeed.
#[derive(Default)]
pub(crate) struct Rounds {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of rounds that have begun.
    begun: u64,
    /// The number of the last round that has succeeded. Rounds are numbered from 1, in the order of their beginnings.
    succeeded: u64,
    is_running: bool,
    /// The number of threads that ask for a round.
    #[cfg(feature = "sim")]
    asking: usize,
    #[cfg(feature = "sim")]
    wanted: usize,
}

/// A point in time: the rounds from this one on began later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(u64);

impl Rounds {
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.lock().begun)
    }

    /// Returns when a round that began after the mark has succeeded. If there is none, runs `sync`.
    ///
    /// Only [`Poison`] makes a [`Fatal`], so a failure of `sync` has poisoned the catalog before the next round could
    /// begin. A panic poisons it, too. No round is run on a poisoned catalog, and each thread that asks for one gets
    /// the first failure.
    pub(crate) fn join(
        &self,
        since: Mark,
        poison: &Poison,
        sync: impl FnOnce() -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        #[cfg(feature = "sim")]
        let _asking = Asking::new(self);
        let mut state = self.lock();
        while state.is_running && state.succeeded <= since.0 {
            state = self.wait(state);
        }
        // A failed round may be one that this thread needs.
        poison.check_sync()?;
        if state.succeeded > since.0 {
            return Ok(());
        }
        state.is_running = true;
        #[cfg(feature = "sim")]
        {
            while state.asking < state.wanted {
                state = self.wait(state);
            }
            state.wanted = 0;
        }
        // Here, and not earlier: the round is after each mark that has been taken.
        state.begun += 1;
        let mut running = Running {
            rounds: self,
            succeeded: None,
        };
        let round = state.begun;
        drop(state);
        let synced = poison.if_it_panics(sync);
        running.succeeded = synced.is_ok().then_some(round);
        synced
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lock is held for a few changes of numbers, none of which can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next round wait until so many threads ask for one. With 0, it waits no longer.
    #[cfg(feature = "sim")]
    pub(crate) fn gather_for_test(&self, threads: usize) {
        self.lock().wanted = threads;
        self.changed.notify_all();
    }
}

/// The round that is under way. Dropping it ends the round.
struct Running<'a> {
    rounds: &'a Rounds,
    succeeded: Option<u64>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.rounds.lock();
        state.is_running = false;
        if let Some(round) = self.succeeded {
            state.succeeded = round;
        }
        drop(state);
        self.rounds.changed.notify_all();
    }
}

#[cfg(feature = "sim")]
struct Asking<'a>(&'a Rounds);

#[cfg(feature = "sim")]
impl<'a> Asking<'a> {
    fn new(rounds: &'a Rounds) -> Self {
        rounds.lock().asking += 1;
        rounds.changed.notify_all();
        Self(rounds)
    }
}

#[cfg(feature = "sim")]
impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}
