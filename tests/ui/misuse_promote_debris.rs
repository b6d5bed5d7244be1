//! Debris is rebuilt or removed, never trusted.

use frostline::{Debris, Ledgers};

fn trust(debris: Debris<Ledgers>) {
    debris.freeze();
}

fn main() {}
