//! A key has one owner.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::domain::Key;
use crate::protocol::claims::ClaimTable;

/// Each owner has the files of its key for itself, and finds them as the owner before has left them.
#[test]
fn an_owner_has_the_key_for_itself() {
    crate::check(4, None, || {
        let table = Arc::new(ClaimTable::default());
        let files = Arc::new(UnsafeCell::new(0));
        let own = {
            let (table, files) = (Arc::clone(&table), Arc::clone(&files));
            move || {
                if let Ok(claim) = table.claim(Key(7)) {
                    files.with_mut(|_files| assert_eq!(claim.key(), Key(7)));
                    drop(claim);
                    return true;
                }
                false
            }
        };
        let other = thread::spawn(own.clone());
        let here = own();
        let there = other.join().unwrap();
        assert!(here || there, "the first of two claims succeeds");
        assert!(own(), "a claim that was dropped is free again");
    });
}
