//! Freezing: one artifact, and groups.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use frostline::error::Operation;
use frostline::sim::Probe;
use frostline::{Catalog, ChunkId, Ledgers, StorageRoots};

use crate::measure::{Table, subject, timed};
use crate::raw::{self, Log, Rocks};

/// An artifact's bytes, and their name.
pub type Size = (usize, &'static str);

pub const SMALL: Size = (4 << 10, "4 KiB");
pub const MEDIUM: Size = (1_000_000, "1 MB");
pub const LARGE: Size = (16_000_000, "16 MB");

pub fn open(place: &Path) -> Catalog {
    Catalog::open(StorageRoots::under(place).unwrap().lock().unwrap()).unwrap()
}

pub fn chunk(number: u32) -> ChunkId {
    ChunkId::new(number).unwrap()
}

/// Bytes that no file system can leave out.
pub fn bytes(size: usize) -> Vec<u8> {
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
pub fn single(place: &Path, table: &mut Table, (size, name): Size) {
    let bytes = bytes(size);
    let catalog = open(&place.join("ours"));
    freeze_one(&catalog, 0, b"the bucket is durable now");
    let floor = raw::directory(place, "floor/bucket");
    let known = raw::directory(place, "known/bucket");
    let mut log = Log::new(place);
    let rocks = Rocks::open(&place.join("rocks"));
    let (ours_next, floor_next, known_next) = (Cell::new(1), Cell::new(0), Cell::new(0));
    table.row(
        &format!("freeze one, {name}"),
        if size > MEDIUM.0 { 25 } else { 301 },
        1,
        vec![
            subject("", |_| {
                // A thousand rounds would come to the next bucket.
                let number = ours_next.replace(ours_next.get() + 1);
                timed(|| freeze_one(&catalog, number, &bytes))
            }),
            subject("raw floor", |_| {
                let number = floor_next.replace(floor_next.get() + 1);
                timed(|| raw::freeze_one(&mut log, &floor, number, &bytes))
            }),
            subject("known order", |_| {
                let number = known_next.replace(known_next.get() + 1);
                timed(|| rocks.freeze_known(&known, number, &bytes))
            }),
        ],
    );
}

/// Whether a group of so many members is made durable by a sync of the whole file system, on the file system of this
/// place.
fn is_synced_whole(place: &Path, members: usize) -> bool {
    let seen = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&seen);
    let probe = Probe::new(move |operation, _| {
        noted.fetch_or(operation == Operation::SyncFileSystem, Ordering::Relaxed);
        Ok(())
    });
    let roots = StorageRoots::under(place.join("probed")).unwrap();
    let catalog = Catalog::open(roots.lock_with_probe(probe).unwrap()).unwrap();
    seen.store(false, Ordering::Relaxed);
    freeze_group(&catalog, 0..u32::try_from(members).unwrap(), b"bytes");
    seen.load(Ordering::Relaxed)
}

/// Groups in one bucket.
pub fn groups(place: &Path, table: &mut Table, (size, name): Size) {
    let bytes = bytes(size);
    for members in [16, 64, 256] {
        let place = place.join(members.to_string());
        fs::create_dir(&place).unwrap();
        let as_a_whole = is_synced_whole(&place, members);
        let catalog = open(&place.join("ours"));
        let mut log = Log::new(&place);
        let rocks = Rocks::open(&place.join("rocks"));
        let rounds = match members * size {
            0..100_000_000 => 15,
            100_000_000..1_000_000_000 => 7,
            _ => 3,
        };
        let fresh = |name: &str, round: usize| {
            clear(&place.join(name), size);
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
                    let first = u32::try_from(round * 1_000).unwrap();
                    let before = round.wrapping_sub(1);
                    clear(&place.join(format!("ours/ledgers/{before:05}")), size);
                    // A durable bucket, as for the others.
                    freeze_one(&catalog, first, b"first");
                    raw::settle(&place);
                    let numbers = first + 1..=first + u32::try_from(members).unwrap();
                    timed(|| freeze_group(&catalog, numbers, &bytes))
                }),
                subject("raw, same order", |round| {
                    let directory = fresh("floor", round);
                    timed(|| raw::freeze_group(&mut log, &directory, members, &bytes, as_a_whole))
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
        clear(&place, size);
    }
}

/// Removes what has been written, if it is so much that the disk might not hold all rounds.
pub fn clear(place: &Path, size: usize) {
    if size >= MEDIUM.0 {
        drop(fs::remove_dir_all(place));
    }
}
