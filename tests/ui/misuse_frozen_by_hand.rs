//! A frozen handle without any of the work.

use frostline::{Freezing, Frozen, Ledgers};

fn freeze(freezing: Freezing<Ledgers>) -> Frozen<Ledgers> {
    Frozen { held: freezing }
}

fn main() {}
