//! A directory that was being created or discarded may be half empty.

use frostline::HotDebris;

fn trust(debris: HotDebris) {
    debris.ready();
}

fn main() {}
