//! A hot directory becomes ready only after its barrier.

use frostline::{Catalog, Transient};

fn flip(catalog: &Catalog, transient: Transient) {
    catalog.commit(transient);
}

fn main() {}
