//! A demotion that is not committed has done nothing.

#![deny(unused_must_use)]

use frostline::{Frozen, Ledgers};

fn prune(frozen: Frozen<Ledgers>) {
    frozen.demote();
}

fn main() {}
