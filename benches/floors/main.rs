//! The cost of everything, side by side with its floor.
//!
//! Each row alternates its subjects in one run, because a machine's mood changes faster than a
//! benchmark ends, and compares each round with itself: what is printed is the median of the rounds,
//! and the median ratio with the range that half of the rounds are in. "Known order" is the order of the
//! known implementation, re-enacted on the same RocksDB: for each artifact a synced mark, write, reopen
//! and fsync, fsync of parent and grandparent, a synced flip.
//!
//! ```text
//! make bench
//! ```

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    unreachable_pub,
    missing_docs,
    reason = "a benchmark works beside the library, and stops where something is wrong"
)]

mod commit;
mod counts;
mod freeze;
mod index;
mod measure;
mod memory;
mod open;
mod owned;
mod raw;
mod reads;
mod sweep;
mod threads;
mod views;

use std::path::Path;

use freeze::{LARGE, MEDIUM, SMALL};
use measure::Table;

type Section = (&'static str, fn(&Path, &mut Table));

fn main() {
    // `cargo bench` passes options of its own; a name picks sections.
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let wanted_place = std::env::var_os("FROSTLINE_BENCH_DIR");
    let place = wanted_place.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let place = tempfile::tempdir_in(place).unwrap();
    let mut table = Table::default();
    // The sections that write little come first, and the written files go last: a file system that tells the
    // device of what it has freed does so for a long while after a large file is gone, and is slow then.
    let sections: [Section; 18] = [
        ("commit", commit::commits),
        ("freeze 4 KiB", |place, table| {
            freeze::single(place, table, SMALL);
        }),
        ("group 4 KiB", |place, table| {
            freeze::groups(place, table, SMALL);
        }),
        ("stream", threads::stream),
        ("readers", threads::readers),
        ("views", views::views),
        ("writers", threads::writers),
        ("owned", owned::owned),
        ("index", index::indexes),
        ("counts", counts::counts),
        ("sweep", sweep::sweeps),
        ("reads", reads::reads),
        ("open", open::opens),
        ("memory", memory::memory),
        ("freeze 1 MB", |place, table| {
            freeze::single(place, table, MEDIUM);
        }),
        ("group 1 MB", |place, table| {
            freeze::groups(place, table, MEDIUM);
        }),
        ("freeze 16 MB", |place, table| {
            freeze::single(place, table, LARGE);
        }),
        ("group 16 MB", |place, table| {
            freeze::groups(place, table, LARGE);
        }),
    ];
    for (name, run) in sections {
        if is_wanted(name) {
            let place = place.path().join(name);
            std::fs::create_dir(&place).unwrap();
            run(&place, &mut table);
        }
    }
}
