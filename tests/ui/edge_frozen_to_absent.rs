//! Unlinking under a frozen key: a crash would leave a key that reads `frozen` and no file.

use frostline::{Frozen, Ledgers};

fn remove(frozen: Frozen<Ledgers>) {
    frozen.unlink();
}

fn main() {}
