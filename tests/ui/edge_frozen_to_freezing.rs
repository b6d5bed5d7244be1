//! Writing again to what is frozen: somebody may be reading it.

use frostline::{Frozen, Ledgers};

fn rewrite(frozen: Frozen<Ledgers>) {
    frozen.rematerialize();
}

fn main() {}
