//! Bytes written after the fsync would not be durable.

use frostline::{Freezing, Ledgers};

fn write(mut freezing: Freezing<Ledgers>) {
    let synced = freezing.sync();
    freezing.file(Ledgers::PACK);
    drop(synced);
}

fn main() {}
