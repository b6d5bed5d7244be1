//! An index is read while it is being built.

use frostline::index::IndexBuild;

fn read(build: IndexBuild) {
    let file = build.open();
}

fn main() {}
