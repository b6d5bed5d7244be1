//! An index is promoted before its file is durable.

use frostline::Catalog;
use frostline::index::IndexBuild;

fn promote(catalog: &Catalog, build: IndexBuild) {
    let promoted = catalog.commit(build);
}

fn main() {}
