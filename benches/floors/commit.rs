//! One commit.

use std::cell::Cell;
use std::path::Path;

use frostline::Ledgers;
use rocksdb::{DB, Options, WriteOptions};

use crate::freeze::{chunk, open};
use crate::measure::{Table, subject, timed};

/// About a mark.
const VALUE: [u8; 40] = [7; 40];

/// RocksDB with a log that is full every thousand records, and has been some times.
fn rocks(path: &Path, recycled: usize) -> DB {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(64 << 10);
    options.set_recycle_log_file_num(recycled);
    let db = DB::open(&options, path).unwrap();
    for key in 0..20_000_u32 {
        db.put(key.to_le_bytes(), VALUE).unwrap();
    }
    db
}

pub fn commits(place: &Path, table: &mut Table) {
    let catalog = open(&place.join("ours"));
    let appending = rocks(&place.join("appending"), 0);
    let recycling = rocks(&place.join("recycling"), 4);
    let mut write = WriteOptions::default();
    write.set_sync(true);
    let put = |db: &DB, round: usize| db.put_opt(round.to_le_bytes(), VALUE, &write).unwrap();
    let next = Cell::new(0);
    table.row(
        "commit one mark",
        401,
        1,
        vec![
            subject("", |_| {
                let number = next.replace(next.get() + 1);
                let mut marked = None;
                let time = timed(|| marked = catalog.begin::<Ledgers>(chunk(number)).ok());
                drop(marked.unwrap());
                time
            }),
            subject("RocksDB, appending", |round| {
                timed(|| put(&appending, round))
            }),
            subject("RocksDB, recycling its logs", |round| {
                timed(|| put(&recycling, round))
            }),
        ],
    );
}
