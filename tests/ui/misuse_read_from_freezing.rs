//! Reading what is still being written.

use frostline::{Freezing, Ledgers};

fn read(freezing: &Freezing<Ledgers>) {
    freezing.lease();
}

fn main() {}
