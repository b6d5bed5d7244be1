//! A crash after this unlink would leave a key that reads `frozen` and no file.

use frostline::{Frozen, Ledgers};

fn prune(frozen: Frozen<Ledgers>) {
    frozen.demote().unlink();
}

fn main() {}
