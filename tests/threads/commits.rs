//! Commits and barriers that share a sync which fails.

use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use crate::failure::IoFailure;
use crate::protocol::poison::Poison;
use crate::protocol::rounds::Rounds;

/// A disk whose first sync fails. It reports that once, so no other sync may follow.
#[derive(Default)]
struct Disk {
    has_failed: Mutex<bool>,
}

impl Disk {
    fn sync(&self) -> Result<(), IoFailure> {
        let mut has_failed = self.has_failed.lock().unwrap();
        assert!(!*has_failed, "a sync that has failed is issued again");
        *has_failed = true;
        Err(IoFailure)
    }
}

#[derive(Default)]
struct Node {
    disk: Disk,
    poison: Poison,
    rounds: Rounds,
}

impl Node {
    /// Makes something durable. Returns whether the thread may act on it.
    fn step(&self) -> bool {
        let synced = self.rounds.join(self.rounds.mark(), &self.poison, || {
            let synced = self.disk.sync();
            synced.map_err(|failure| self.poison.sync_failed(failure))
        });
        synced.is_ok() && self.poison.check().is_ok()
    }
}

/// The disk reports the loss once, to one thread. No thread acts on lost bytes.
fn lose(others: u8) {
    let node = Arc::new(Node::default());
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let node = Arc::clone(&node);
            thread::spawn(move || node.step())
        })
        .collect();
    let mut acted = usize::from(node.step());
    for thread in threads {
        acted += usize::from(thread.join().unwrap());
    }
    assert_eq!(
        acted, 0,
        "the first sync fails, and poisons every later step"
    );
}

#[test]
fn a_sync_that_fails_ends_two_threads() {
    crate::check(4, None, || lose(1));
}

#[test]
fn a_sync_that_fails_ends_three_threads() {
    crate::check(3, Some(6), || lose(2));
}
