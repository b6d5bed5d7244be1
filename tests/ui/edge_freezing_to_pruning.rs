//! Demoting an artifact that is still being written: `abandon` removes it.

use frostline::{Freezing, Ledgers};

fn prune(freezing: Freezing<Ledgers>) {
    freezing.demote();
}

fn main() {}
