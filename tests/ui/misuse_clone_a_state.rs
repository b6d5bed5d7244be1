//! Two handles on one key: one would be stale.

use frostline::{Freezing, Ledgers};

fn twice(freezing: &Freezing<Ledgers>) -> Freezing<Ledgers> {
    freezing.clone()
}

fn main() {}
