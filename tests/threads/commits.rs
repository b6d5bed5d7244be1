//! Commits and barriers that share a sync which fails.

use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use crate::failure::{Fatal, IoFailure};
use crate::protocol::poison::Poison;
use crate::protocol::rounds::Rounds;

/// A disk whose first sync loses what was written before, and reports that once.
#[derive(Default)]
struct Disk {
    state: Mutex<DiskState>,
}

#[derive(Default)]
struct DiskState {
    written: Vec<u8>,
    durable: Vec<u8>,
    has_failed: bool,
}

impl Disk {
    fn write(&self, what: u8) {
        self.state.lock().unwrap().written.push(what);
    }

    fn sync(&self) -> Result<(), IoFailure> {
        let mut disk = self.state.lock().unwrap();
        let written = std::mem::take(&mut disk.written);
        if !std::mem::replace(&mut disk.has_failed, true) {
            return Err(IoFailure);
        }
        disk.durable.extend(written);
        Ok(())
    }

    fn has(&self, what: u8) -> bool {
        self.state.lock().unwrap().durable.contains(&what)
    }
}

#[derive(Default)]
struct Node {
    disk: Disk,
    poison: Poison,
    rounds: Rounds<()>,
}

impl Node {
    /// A step: its bytes are written, then made durable, then acted on, unless the catalog is poisoned.
    fn step(&self, what: u8) -> Result<bool, Fatal> {
        self.disk.write(what);
        self.rounds.join((), &self.poison, |_| {
            let synced = self.disk.sync();
            synced.map_err(|failure| self.poison.sync_failed(failure))
        })?;
        let acts = self.poison.check().is_ok();
        assert!(!acts || self.disk.has(what), "a lost step was acted on");
        Ok(acts)
    }
}

/// The disk reports the loss once, to one thread. No thread acts on lost bytes.
fn lose(others: u8) {
    let node = Arc::new(Node::default());
    let threads: Vec<_> = (0..others)
        .map(|what| {
            let node = Arc::clone(&node);
            thread::spawn(move || node.step(what).is_ok_and(|acts| acts))
        })
        .collect();
    let mut acted = usize::from(node.step(100).is_ok_and(|acts| acts));
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
