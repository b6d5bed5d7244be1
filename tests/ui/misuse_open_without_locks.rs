//! Two processes could open one catalog.

use frostline::{Catalog, StorageRoots};

fn start(roots: StorageRoots) {
    Catalog::open(roots);
}

fn main() {}
