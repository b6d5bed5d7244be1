//! Synced and forgotten: nobody would ever read the files.

#![deny(unused_must_use)]

use frostline::{Freezing, Ledgers};

fn freeze(freezing: Freezing<Ledgers>) {
    freezing.sync().unwrap();
}

fn main() {}
