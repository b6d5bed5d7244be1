//! The key of a hot directory goes only after the directory.

use frostline::{Catalog, HotDebris};

fn delete(catalog: &Catalog, debris: HotDebris) {
    catalog.commit(debris);
}

fn main() {}
