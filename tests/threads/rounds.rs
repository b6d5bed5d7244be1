//! Rounds of syncs that threads share.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::protocol::poison::Poison;
use crate::protocol::rounds::Rounds;

/// Entries are written into a directory. A sync makes those durable that were there when it began.
#[derive(Default)]
struct Directory {
    rounds: Rounds,
    poison: Poison,
    written: AtomicUsize,
    durable: AtomicUsize,
    syncs: AtomicUsize,
    alone: UnsafeCell<()>,
}

impl Directory {
    /// Writes an entry and makes it durable, as another thread may do in the meantime.
    fn write(&self) {
        let entry = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let since = self.rounds.mark();
        let synced = self.rounds.join(since, &self.poison, || {
            self.alone.with_mut(|_alone| ());
            self.syncs.fetch_add(1, Ordering::Relaxed);
            let written = self.written.load(Ordering::Relaxed);
            self.durable.fetch_max(written, Ordering::Relaxed);
            Ok(())
        });
        assert!(synced.is_ok());
        let durable = self.durable.load(Ordering::Relaxed);
        assert!(entry <= durable, "the entry {entry} of {durable}");
    }
}

fn writers(others: usize) {
    let directory = Arc::new(Directory::default());
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let directory = Arc::clone(&directory);
            thread::spawn(move || directory.write())
        })
        .collect();
    directory.write();
    for thread in threads {
        thread.join().unwrap();
    }
    let syncs = directory.syncs.load(Ordering::Relaxed);
    assert!((1..=others + 1).contains(&syncs));
    directory.write();
}

/// A round makes the entries durable that were there before its mark, and one round runs at a time.
#[test]
fn a_round_is_after_its_mark() {
    crate::check(4, None, || writers(1));
}

#[test]
fn a_round_is_after_the_marks_of_three_threads() {
    crate::check(3, Some(4), || writers(2));
}
