//! Reading what a crash has left.

use frostline::{Debris, Ledgers};

fn read(debris: &Debris<Ledgers>) {
    debris.lease();
}

fn main() {}
