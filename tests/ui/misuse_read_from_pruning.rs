//! A new reader for what is on its way out.

use frostline::{Ledgers, Pruning};

fn read(pruning: &Pruning<Ledgers>) {
    pruning.lease();
}

fn main() {}
