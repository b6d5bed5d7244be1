//! Readers beside an owner that removes the files.

use std::convert::Infallible;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::protocol::place::Place;
use crate::protocol::readers::Readers;
use crate::protocol::state_pages::StatePages;

const PLACE: Place = Place { page: 0, cell: 0 };
const FROZEN: u8 = 2;
const PRUNING: u8 = 3;

struct Node {
    states: StatePages,
    readers: Readers<()>,
    files: UnsafeCell<()>,
}

impl Node {
    fn new() -> Self {
        let node = Self {
            states: StatePages::new(1, 1),
            readers: Readers::new(1, 1, Arc::new(())),
            files: UnsafeCell::new(()),
        };
        node.put(FROZEN);
        node
    }

    fn put(&self, state: u8) {
        self.states.update([(PLACE, move |_| state)]);
    }

    /// Reads the files under a lease, if there is one.
    fn read(&self) {
        let is_frozen = || Ok::<_, Infallible>(self.states.load(PLACE) == FROZEN);
        let Ok(lease) = self.readers.take_if(PLACE, is_frozen);
        if let Some(lease) = lease {
            self.files.with(|_files| ());
            drop(lease);
        }
    }

    /// Demotes the artifact and removes its files, unless leases are out.
    fn remove(&self) -> bool {
        self.put(PRUNING);
        let is_free = self.readers.count(PLACE) == 0;
        if is_free {
            self.files.with_mut(|_files| ());
        }
        is_free
    }
}

#[test]
fn no_file_goes_while_it_is_read() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.read())
        };
        node.remove();
        reader.join().unwrap();
        assert!(node.remove(), "a lease that was dropped holds nothing");
    });
}

#[test]
fn no_file_goes_while_one_of_two_readers_has_it() {
    crate::check(3, Some(6), || {
        let node = Arc::new(Node::new());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let node = Arc::clone(&node);
                thread::spawn(move || node.read())
            })
            .collect();
        node.remove();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// A copy of a lease holds the files as the lease does.
#[test]
fn no_file_goes_while_a_copy_of_its_lease_is_out() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let lease = node.readers.take(PLACE);
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || {
                let copy = lease.clone();
                drop(lease);
                node.files.with(|_files| ());
                drop(copy);
            })
        };
        node.remove();
        reader.join().unwrap();
    });
}

/// A thread that looks for a lease on an artifact that is being removed does not stop the removal.
#[test]
fn an_attempt_to_read_what_is_removed_holds_nothing_up() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        drop(node.readers.take(PLACE));
        node.put(PRUNING);
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.read())
        };
        assert_eq!(node.readers.count(PLACE), 0);
        reader.join().unwrap();
    });
}
