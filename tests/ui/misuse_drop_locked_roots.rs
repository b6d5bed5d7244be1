//! The locks would be released at once.

#![deny(unused_must_use)]

use frostline::StorageRoots;

fn start(roots: StorageRoots) {
    roots.lock().unwrap();
}

fn main() {}
