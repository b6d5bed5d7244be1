//! Readers of an index beside the promotion of another one, and the owner that removes the file.

use std::convert::Infallible;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::protocol::keyed_readers::KeyedReaders;
use crate::protocol::place::Place;
use crate::protocol::state_pages::StatePages;

const PLACE: Place = Place { page: 0, cell: 0 };
/// The number of the frozen index.
const OLD: u8 = 1;
const NEW: u8 = 2;

struct Node {
    states: StatePages<()>,
    readers: KeyedReaders<u8, ()>,
    old: UnsafeCell<()>,
}

impl Node {
    fn new() -> Self {
        let node = Self {
            states: StatePages::new(1, 1),
            readers: KeyedReaders::new(Arc::new(())),
            old: UnsafeCell::new(()),
        };
        node.promote(OLD);
        node
    }

    fn promote(&self, index: u8) {
        self.states.update(|update| *update.word(PLACE) = index);
    }

    /// Reads the frozen index.
    fn read(&self) {
        let find = || Ok::<_, Infallible>(Some(self.states.snapshot().load(PLACE)));
        let Ok(lease) = self.readers.take_found(find);
        let (found, lease) = lease.expect("one index is frozen at all times");
        if found == OLD {
            self.old.with(|_file| ());
        }
        drop(lease);
    }

    /// Reads the index that a view calls frozen, under a lease that outlives the view.
    fn view(&self) {
        let view = self.states.pin();
        if view.load(PLACE) == OLD {
            let lease = self.readers.take(OLD);
            drop(view);
            self.old.with(|_file| ());
            drop(lease);
        }
    }

    /// Removes the file of the old index, unless views or leases are out.
    fn remove(&self) -> bool {
        let views = || self.states.pins(|states| states.load(PLACE) == OLD);
        let is_free = self.readers.count(OLD, views) == 0;
        if is_free {
            self.old.with_mut(|_file| ());
        }
        is_free
    }
}

#[test]
fn no_old_index_goes_while_it_is_read() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.read())
        };
        node.promote(NEW);
        node.remove();
        reader.join().unwrap();
        assert!(node.remove(), "a lease that was dropped holds nothing");
    });
}

#[test]
fn no_old_index_goes_while_a_view_can_lease_it() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.view())
        };
        node.promote(NEW);
        node.remove();
        reader.join().unwrap();
        assert!(node.remove(), "a view that was dropped holds nothing");
    });
}

/// The count forgets the cell of a key without leases. A lease that is taken at the same time keeps its own.
#[test]
fn a_lease_on_a_forgotten_key_is_counted() {
    crate::check(4, None, || {
        let node = Arc::new(Node::new());
        drop(node.readers.take(OLD));
        let owner = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.readers.count(OLD, || 0))
        };
        let lease = node.readers.take(OLD);
        owner.join().unwrap();
        assert_eq!(node.readers.count(OLD, || 0), 1);
        assert_eq!(node.readers.out(), 1);
        drop(lease);
        assert_eq!(node.readers.out(), 0);
    });
}
