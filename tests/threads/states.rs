//! The states in memory.
//!
//! The thread that changes them is the main one of each model. The model checker lets the main thread go first, and
//! then finds the loads of the other thread that depend on its stores.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::protocol::place::Place;
use crate::protocol::state_pages::StatePages;

const FIRST: Place = Place { page: 0, cell: 0 };
const SECOND: Place = Place { page: 1, cell: 0 };

/// A scan is of an instant between two commits, whichever pages they change.
#[test]
fn a_scan_sees_all_of_a_commit_or_nothing() {
    crate::check(4, None, || {
        let states = Arc::new(StatePages::<bool>::new(2, 1));
        let scan = {
            let states = Arc::clone(&states);
            thread::spawn(move || {
                let cells = states.snapshot();
                let (first, second) = (cells.load(FIRST), cells.load(SECOND));
                assert_eq!(first, second);
                assert_eq!(u8::from(*cells.rest()), first);
            })
        };
        states.update(|update| {
            *update.word(FIRST) += 1;
            *update.word(SECOND) += 1;
            *update.rest() = true;
        });
        scan.join().unwrap();
    });
}

/// Changes of two cells of a page do not undo each other, nor do two changes of a cell.
#[test]
fn no_change_is_lost() {
    crate::check(4, None, || {
        let states = Arc::new(StatePages::<()>::new(1, 1));
        let add = {
            let states = Arc::clone(&states);
            move || states.update(|update| *update.word(FIRST) += 1)
        };
        let other = thread::spawn(add.clone());
        add();
        other.join().unwrap();
        assert_eq!(states.load(FIRST), 2);
    });
}

/// A thread that sees a state sees what came before it.
#[test]
fn a_state_comes_with_everything_before_it() {
    crate::check(4, None, || {
        let states = Arc::new(StatePages::<()>::new(1, 2));
        // The page is there, so that it is not its creation that orders the two threads.
        states.update(|update| *update.word(Place { page: 0, cell: 1 }) = 1);
        let files = Arc::new(UnsafeCell::new(()));
        let reader = {
            let (states, files) = (Arc::clone(&states), Arc::clone(&files));
            thread::spawn(move || {
                if states.load(FIRST) == 2 {
                    files.with(|_files| ());
                }
            })
        };
        files.with_mut(|_files| ());
        states.update(|update| *update.word(FIRST) = 2);
        reader.join().unwrap();
    });
}

/// The changes of one word in a commit are seen together, so that a chunk that moves is somewhere all the time.
#[test]
fn the_changes_of_a_word_are_seen_together() {
    crate::check(4, None, || {
        let states = Arc::new(StatePages::<()>::new(1, 1));
        states.update(|update| *update.word(FIRST) = 0b10);
        let reader = {
            let states = Arc::clone(&states);
            thread::spawn(move || {
                let word = states.load(FIRST);
                assert!(word == 0b10 || word == 0b01, "{word:b}");
            })
        };
        states.update(|update| {
            *update.word(FIRST) &= !0b10;
            *update.word(FIRST) |= 0b01;
        });
        reader.join().unwrap();
    });
}
