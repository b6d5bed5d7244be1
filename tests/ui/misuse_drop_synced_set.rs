//! A synced set that is forgotten: nobody would ever read the files.

#![deny(unused_must_use)]

use frostline::FreezingSet;

fn freeze(set: FreezingSet) {
    set.sync().unwrap();
}

fn main() {}
