//! An index is promoted together with inputs that the caller chose.

use frostline::TxHash;
use frostline::index::IndexBuild;
use frostline::step::Demotion;

fn promote(build: IndexBuild, inputs: Vec<Demotion<TxHash>>) {
    let promotion = build.sync(inputs);
}

fn main() {}
