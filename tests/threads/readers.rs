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
    states: StatePages<()>,
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
        self.states.update(|update| *update.word(PLACE) = state);
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

    /// Reads the files under a view, or under a lease that outlives the view.
    fn view(&self, outlives: bool) {
        let view = self.states.pin();
        if view.load(PLACE) != FROZEN {
            return;
        }
        if outlives {
            let lease = self.readers.take(PLACE);
            drop(view);
            self.files.with(|_files| ());
            drop(lease);
        } else {
            self.files.with(|_files| ());
            drop(view);
        }
    }

    /// Demotes the artifact and removes its files, unless views or leases are out.
    fn remove(&self) -> bool {
        self.put(PRUNING);
        let views = || self.states.pins(|states| states.load(PLACE) == FROZEN);
        let is_free = self.readers.count(PLACE, views) == 0;
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
        assert_eq!(node.readers.count(PLACE, || 0), 0);
        reader.join().unwrap();
    });
}

/// A view is taken before the demotion, or sees it.
#[test]
fn no_file_goes_while_a_view_is_out() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.view(false))
        };
        node.remove();
        reader.join().unwrap();
        assert!(node.remove(), "a view that was dropped holds nothing");
    });
}

/// A lease that was taken from a view holds the files when the view has gone.
#[test]
fn no_file_goes_while_a_lease_of_a_view_is_out() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.view(true))
        };
        node.remove();
        reader.join().unwrap();
        assert!(node.remove(), "a lease that was dropped holds nothing");
    });
}

/// A view holds what it saw, and nothing of what changed later.
#[test]
fn a_view_of_a_later_instant_holds_nothing() {
    crate::check(1, None, || {
        let node = Node::new();
        let early = node.states.pin();
        node.put(PRUNING);
        let late = node.states.pin();
        let holders = || node.states.pins(|states| states.load(PLACE) == FROZEN);
        assert_eq!(holders(), 1);
        let copy = early.clone();
        assert_eq!(holders(), 2);
        drop((early, copy));
        assert_eq!(holders(), 0);
        drop(late);
    });
}
