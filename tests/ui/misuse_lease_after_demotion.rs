//! A demoted artifact gives out no lease.

use frostline::{Frozen, Ledgers};

fn demote(frozen: Frozen<Ledgers>) {
    let demotion = frozen.demote();
    frozen.lease();
    drop(demotion);
}

fn main() {}
