//! A state is not a value that can be made up.

use frostline::{Freezing, Ledgers};

fn begin() -> Freezing<Ledgers> {
    Freezing::default()
}

fn main() {}
