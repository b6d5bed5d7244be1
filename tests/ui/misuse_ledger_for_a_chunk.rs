//! A ledger is not a chunk, though both are numbers: ask it for its chunk.

use frostline::{Catalog, LedgerSeq, Ledgers};

fn begin(catalog: &Catalog, ledger: LedgerSeq) {
    catalog.begin::<Ledgers>(ledger);
}

fn main() {}
