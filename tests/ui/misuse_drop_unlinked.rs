//! Unlinked and forgotten: the key would stay.

#![deny(unused_must_use)]

use frostline::{Ledgers, Pruning};

fn prune(pruning: Pruning<Ledgers>) {
    pruning.unlink().unwrap();
}

fn main() {}
