//! Two catalogs could share one set of locks.

use frostline::{Catalog, LockedRoots};

fn start(locked: LockedRoots) {
    let first = Catalog::open(locked);
    let second = Catalog::open(locked);
    drop((first, second));
}

fn main() {}
