//! Opening a catalog.

use std::path::Path;

use rocksdb::DB;

use crate::freeze::open;
use crate::measure::{Table, subject, timed};
use crate::raw::Rocks;

/// A data directory whose catalog says that three kinds of so many chunks are frozen.
pub fn populate(data: &Path, chunks: usize) {
    drop(open(data));
    let rocks = Rocks::open(&data.join("catalog/rocksdb"));
    for first in (0..chunks).step_by(10_000) {
        let numbers = first..chunks.min(first + 10_000);
        let keys = numbers.flat_map(|chunk| {
            ["events", "ledgers", "txhash"].map(|kind| format!("chunk:{chunk:08}:{kind}"))
        });
        rocks.all(keys, Some("frozen"));
    }
    rocks.db.flush().unwrap();
    rocks.db.compact_range(None::<&[u8]>, None::<&[u8]>);
    drop(rocks);
    drop(open(data));
}

pub fn raw_scan(db: &DB) -> usize {
    let mut entries = db.raw_iterator();
    entries.seek_to_first();
    let mut count = 0;
    while entries.valid() {
        count += 1;
        entries.next();
    }
    entries.status().unwrap();
    count
}

pub fn opens(place: &Path, table: &mut Table) {
    for chunks in [0, 6_000, 429_496] {
        let data = place.join(chunks.to_string());
        let other = place.join(format!("{chunks}-floor"));
        for data in [&data, &other] {
            populate(data, chunks);
        }
        table.row(
            &format!("open, {chunks} chunks"),
            9,
            1,
            vec![
                subject("", |_| timed(|| drop(open(&data)))),
                subject("RocksDB open and one scan", |_| {
                    timed(|| {
                        let rocks = Rocks::open(&other.join("catalog/rocksdb"));
                        assert_eq!(raw_scan(&rocks.db), 3 * chunks);
                    })
                }),
            ],
        );
    }
}
