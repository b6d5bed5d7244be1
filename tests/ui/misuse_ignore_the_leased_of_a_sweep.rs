//! Artifacts with readers come back from the sweep.

#![deny(unused_must_use)]

use frostline::{Catalog, Ledgers};
use frostline::step::Demotion;

fn sweep(catalog: &Catalog, demotion: Demotion<Ledgers>) {
    catalog.sweep_chunk_artifacts([demotion]).unwrap();
}

fn main() {}
