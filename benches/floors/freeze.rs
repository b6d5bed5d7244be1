//! Freezing: one artifact, and groups.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::path::Path;

use frostline::{Catalog, ChunkId, Ledgers, StorageRoots};

use crate::measure::{Table, subject, timed};
use crate::raw::{self, Log, Rocks};

const SIZES: [(usize, &str); 3] = [
    (4 << 10, "4 KiB"),
    (1_000_000, "1 MB"),
    (16_000_000, "16 MB"),
];

pub fn open(place: &Path) -> Catalog {
    Catalog::open(StorageRoots::under(place).unwrap().lock().unwrap()).unwrap()
}

pub fn chunk(number: u32) -> ChunkId {
    ChunkId::new(number).unwrap()
}

/// Bytes that no file system can leave out.
fn bytes(size: usize) -> Vec<u8> {
    (1..=251).cycle().take(size).collect()
}

pub fn freeze_one(catalog: &Catalog, number: u32, bytes: &[u8]) {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(bytes)
        .unwrap();
    drop(freezing.freeze().unwrap());
}

pub fn freeze_group(catalog: &Catalog, numbers: impl Iterator<Item = u32>, bytes: &[u8]) {
    let mut group = catalog.sync_group();
    for mut freezing in catalog.begin_all::<Ledgers>(numbers.map(chunk)).unwrap() {
        freezing
            .file(Ledgers::PACK)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        group.add(freezing).unwrap();
    }
    drop(catalog.commit(group.sync().unwrap()).unwrap());
}

/// Artifacts one by one, in a bucket that is durable.
pub fn single(place: &Path, table: &mut Table) {
    for (size, name) in SIZES {
        let bytes = bytes(size);
        let place = place.join(size.to_string());
        fs::create_dir(&place).unwrap();
        let each = 1;
        let catalog = open(&place.join("ours"));
        freeze_one(&catalog, 0, b"the bucket is durable now");
        let floor = raw::directory(&place, "floor/bucket");
        let known = raw::directory(&place, "known/bucket");
        let mut log = Log::new(&place);
        let rocks = Rocks::open(&place.join("rocks"));
        let (ours_next, floor_next, known_next) = (Cell::new(1), Cell::new(0), Cell::new(0));
        table.row(
            &format!("freeze one, {name}"),
            if size > 1 << 20 { 25 } else { 301 },
            each,
            vec![
                subject("", |_| {
                    timed(|| {
                        for _ in 0..each {
                            // The next bucket's first artifact would pay for the bucket.
                            freeze_one(&catalog, ours_next.replace(ours_next.get() + 1), &bytes);
                        }
                    })
                }),
                subject("raw floor", |_| {
                    timed(|| {
                        for _ in 0..each {
                            let number = floor_next.replace(floor_next.get() + 1);
                            raw::freeze_one(&mut log, &floor, number, &bytes);
                        }
                    })
                }),
                subject("known order", |_| {
                    timed(|| {
                        for _ in 0..each {
                            let number = known_next.replace(known_next.get() + 1);
                            rocks.freeze_known(&known, number, &bytes);
                        }
                    })
                }),
            ],
        );
        drop(catalog);
        fs::remove_dir_all(&place).unwrap();
    }
}

/// Groups in one bucket.
pub fn groups(place: &Path, table: &mut Table) {
    for (size, name) in SIZES {
        let bytes = bytes(size);
        for members in [16, 64, 256] {
            let place = place.join(format!("{size}-{members}"));
            fs::create_dir(&place).unwrap();
            let catalog = open(&place.join("ours"));
            let mut log = Log::new(&place);
            let rocks = Rocks::open(&place.join("rocks"));
            let rounds = if members * size > 1 << 30 {
                3
            } else if size > 1 << 20 {
                5
            } else {
                11
            };
            let bucket = |round: usize| u32::try_from(round * 1_000).unwrap();
            // What a round has written is removed before the next.
            let fresh = |name: &str, round: usize| {
                let parent = place.join(name);
                drop(fs::remove_dir_all(&parent));
                let directory = raw::directory(&place, &format!("{name}/{round}"));
                raw::settle(&place);
                directory
            };
            table.row(
                &format!("freeze {members} x {name}"),
                rounds,
                members,
                vec![
                    subject("", |round| {
                        drop(fs::remove_dir_all(
                            place
                                .join("ours/ledgers")
                                .join(format!("{:05}", round.wrapping_sub(1))),
                        ));
                        // A durable bucket, as for the others.
                        freeze_one(&catalog, bucket(round), b"first");
                        raw::settle(&place);
                        let count = u32::try_from(members).unwrap();
                        let numbers = bucket(round) + 1..=bucket(round) + count;
                        timed(|| freeze_group(&catalog, numbers, &bytes))
                    }),
                    subject("raw, same order", |round| {
                        let directory = fresh("floor", round);
                        timed(|| raw::freeze_group(&mut log, &directory, members, &bytes))
                    }),
                    subject("known order", |round| {
                        let directory = fresh("known", round);
                        timed(|| {
                            for number in 0..members {
                                rocks.freeze_known(&directory, number, &bytes);
                            }
                        })
                    }),
                ],
            );
            drop(catalog);
            fs::remove_dir_all(&place).unwrap();
        }
    }
}
