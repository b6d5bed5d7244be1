//! A torn end is damage if sound batches follow it, in the same log or in the next one. A store of which only the
//! witness is left is damaged too.

use std::path::{Path, PathBuf};

use frostline::error::{DamageKind, OpenError};
use frostline::{Ledgers, RootRole};

use crate::damage::{SECTOR, count, log, marked, open, records};
use crate::fixture::{Data, chunk};

#[track_caller]
fn refused(data: &Data) -> DamageKind {
    let error = open(data).expect_err("acknowledged batches would be lost");
    let OpenError::Damaged { kind, .. } = error else {
        panic!("{error}");
    };
    kind
}

/// Cuts off the second half of the log's last batch. Returns the log's path, its earlier bytes, and the start of
/// the last batch.
fn torn_log(data: &Data) -> (PathBuf, Vec<u8>, usize) {
    let path = log(data);
    let whole = std::fs::read(&path).unwrap();
    let borders = records(&whole);
    let [.., last, end] = borders[..] else {
        panic!("{borders:?}");
    };
    let mut torn = whole.clone();
    torn.truncate(usize::midpoint(last, end));
    std::fs::write(&path, torn).unwrap();
    (path, whole, last)
}

fn next_log(path: &Path) -> PathBuf {
    let number: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    path.with_file_name(format!("{:06}.log", number + 1))
}

#[test]
fn a_batch_in_the_log_behind_a_torn_one_is_damage() {
    let data = marked(6);
    let (path, whole, last) = torn_log(&data);
    // The next log begins with the batch that continues the whole ones, so the sequence numbers have no gap.
    std::fs::write(next_log(&path), &whole[last..]).unwrap();
    let kind = refused(&data);
    assert_eq!(kind, DamageKind::Bytes { offset: last });
}

#[test]
fn an_empty_log_behind_a_torn_one_is_none() {
    for zeros in [0, 4_096] {
        let data = marked(6);
        let (path, ..) = torn_log(&data);
        std::fs::write(next_log(&path), vec![0; zeros]).unwrap();
        assert_eq!(count(&open(&data).unwrap()), 5);
    }
}

/// The rest of a sector is zero from the end of a batch on, as a power cut would leave it. The whole batches that
/// follow were written after a sync of the lost one.
#[test]
fn a_lost_sector_before_whole_batches_is_damage() {
    let data = marked(60);
    let path = log(&data);
    let whole = std::fs::read(&path).unwrap();
    let borders = records(&whole);
    assert!(borders[60] > 4 * SECTOR);
    for border in [borders[12], borders[30]] {
        let mut bytes = whole.clone();
        bytes[border..border.next_multiple_of(SECTOR)].fill(0);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(refused(&data), DamageKind::Bytes { offset: border });
    }
    std::fs::write(&path, whole).unwrap();
    assert_eq!(count(&open(&data).unwrap()), 60);
}

/// Bytes behind the end of a torn batch were written after its sync, even if they are not a batch.
#[test]
fn bytes_behind_a_torn_batch_are_damage() {
    let data = marked(60);
    let path = log(&data);
    let whole = std::fs::read(&path).unwrap();
    let borders = records(&whole);
    // The batch spans two sectors. Its header of seven bytes is in the first sector, and the second was lost.
    let spans = |pair: &&[usize]| (pair[0] + 6) / SECTOR != (pair[1] - 1) / SECTOR;
    let batch = borders.windows(2).rfind(spans).unwrap();
    let (start, end) = (batch[0], batch[1]);
    let mut torn = whole[..end].to_vec();
    torn.resize(whole.len() + SECTOR, 0);
    let lost = start.next_multiple_of(SECTOR);
    torn[lost..end].fill(0);
    std::fs::write(&path, &torn).unwrap();
    let copy = Data::new();
    crate::fixture::copy_tree(&data.path(), &copy.path());
    let before = borders.iter().position(|border| *border == start).unwrap();
    assert_eq!(count(&open(&copy).unwrap()), before, "a torn end");
    torn[end + 20] = 7;
    std::fs::write(&path, &torn).unwrap();
    assert_eq!(refused(&data), DamageKind::Bytes { offset: start });
}

/// The log that the witness names was deleted. A start that ended early has left another log.
#[test]
fn a_log_that_was_deleted_is_missed_beside_another_one() {
    let data = marked(3);
    let path = log(&data);
    std::fs::write(next_log(&path), "").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(refused(&data), DamageKind::Missing);
}

/// Only the witness is left; the roots' identities are lost too. A new catalog would forget every key.
#[test]
fn a_catalog_of_which_only_the_witness_is_left_is_not_made_anew() {
    let data = marked(3);
    drop(data.open());
    for role in RootRole::ALL {
        std::fs::remove_file(data.root(role).join("frostline.identity")).unwrap();
    }
    std::fs::remove_dir_all(data.root(RootRole::Catalog)).unwrap();
    assert_eq!(refused(&data), DamageKind::Missing);
}

/// A start never overwrites the witness record that the catalog relies on, because a power cut may tear the sector
/// that is being written.
#[test]
fn the_newest_record_of_the_witness_is_never_written_over() {
    let data = marked(1);
    let witness = data.root(RootRole::Ledgers).join("frostline.witness");
    let newest = |slots: &[u8]| {
        let record = |slot: &[u8]| {
            let text = String::from_utf8_lossy(slot).into_owned();
            let mut words = text.split("sequence ").nth(1)?.split(' ');
            let sequence: u64 = words.next()?.parse().ok()?;
            let log: u64 = words.nth(1)?.parse().ok()?;
            Some((sequence, log))
        };
        let (first, second) = (record(&slots[..SECTOR]), record(&slots[SECTOR..]));
        usize::from(second > first)
    };
    let mut written = [0; 2];
    for number in 1..7 {
        let before = std::fs::read(&witness).unwrap();
        let kept = newest(&before);
        let catalog = data.open();
        drop(catalog.begin::<Ledgers>(chunk(number)).unwrap());
        drop(catalog);
        let after = std::fs::read(&witness).unwrap();
        let slot = |slots: &[u8]| slots[kept * SECTOR..][..SECTOR].to_vec();
        assert!(slot(&after) == slot(&before), "start {number}");
        assert!(after != before, "start {number}");
        assert_ne!(newest(&after), kept, "start {number}");
        written[1 - kept] += 1;
    }
    assert_eq!(written, [3, 3], "the two take turns");
}
