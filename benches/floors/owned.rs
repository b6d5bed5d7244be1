//! Owned writers: a large file in blocks, as an index is written.

use std::cell::Cell;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use frostline::Ledgers;

use crate::freeze::{bytes, chunk, open};
use crate::measure::{Table, subject, timed};
use crate::raw::{self, Log};

const BLOCK: usize = 64 << 10;
const BLOCKS: usize = 64;

/// Freezes a file of 4 MiB that is written in blocks, the first one last.
pub fn owned(place: &Path, table: &mut Table) {
    let catalog = open(&place.join("ours"));
    let block = bytes(BLOCK);
    let floor = raw::directory(place, "floor/bucket");
    let mut log = Log::new(place);
    let number = Cell::new(0);
    let next = || {
        number.set(number.get() + 1);
        catalog.begin::<Ledgers>(chunk(number.get())).unwrap()
    };
    drop(next().abandon());
    table.row(
        "freeze 4 MiB in blocks, the first one last",
        41,
        1,
        vec![
            subject("", |_| {
                timed(|| {
                    let mut freezing = next();
                    let writer = freezing.writer(Ledgers::PACK).unwrap();
                    for at in (0..BLOCKS).rev() {
                        writer.write_all_at(&block, (at * BLOCK) as u64).unwrap();
                    }
                    drop(writer);
                    drop(freezing.freeze().unwrap());
                })
            }),
            subject("appended", |_| {
                timed(|| {
                    let mut freezing = next();
                    let mut file = freezing.file(Ledgers::PACK).unwrap();
                    for _ in 0..BLOCKS {
                        file.write_all(&block).unwrap();
                    }
                    drop(freezing.freeze().unwrap());
                })
            }),
            subject("raw floor", |round| {
                timed(|| {
                    log.append();
                    let file = raw::create(&floor, round, &[]);
                    for at in (0..BLOCKS).rev() {
                        file.write_all_at(&block, (at * BLOCK) as u64).unwrap();
                    }
                    file.sync_all().unwrap();
                    raw::sync(&floor);
                    log.append();
                })
            }),
        ],
    );
}
